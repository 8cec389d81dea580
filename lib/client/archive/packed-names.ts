/** Ends of names whose files are compressed already: packing them again costs time and saves nothing. */
const PACKED_ENDS: ReadonlySet<string> = new Set(
  '7z apk avi bz2 crate deb docx flac gif gz jar jpeg jpg lz4 lzma mkv mov mp3 mp4 nupkg odt ogg png pptx rar rpm svgz tgz txz vsix war webm webp whl woff woff2 xlsx xz zip zst'.split(
    ' ',
  ),
)

export const isPacked = (path: string): boolean => PACKED_ENDS.has(path.slice(path.lastIndexOf('.') + 1).toLowerCase())
