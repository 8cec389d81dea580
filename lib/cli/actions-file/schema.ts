import type { ValueSpec } from '../command.js'
import { ACTION_KEYS, ACTIVE_KEY } from './keys.js'

const TEXT = { type: ['string', 'number', 'boolean'] } as const
const NAME = '^[A-Za-z0-9][A-Za-z0-9_.+@-]{0,63}$'

/** JSON Schema (draft 2020-12) of the files that apply reads, for editors; made from the table of options. */
export function actionsSchema(): object {
  const described = (spec: ValueSpec): object => ({
    description: spec.byDefault === undefined ? spec.describe : `${spec.describe} (default: ${spec.byDefault})`,
    ...typeOf(spec),
  })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Actions of jankins',
    type: 'object',
    required: ['actions'],
    additionalProperties: false,
    properties: {
      actions: {
        type: 'object',
        propertyNames: { pattern: NAME },
        additionalProperties: {
          type: 'object',
          oneOf: [{ required: ['command'] }, { required: ['script'] }],
          additionalProperties: false,
          properties: {
            command: { description: 'a program and its arguments, run without a shell', type: 'array', items: TEXT },
            script: { description: 'a shell script, run by sh or by its #! line', type: 'string' },
            ...Object.fromEntries(Object.entries(ACTION_KEYS).map(([key, spec]) => [key, described(spec)])),
            [ACTIVE_KEY]: {
              description: 'whether its jobs may be queued and start; left as it is when missing',
              type: 'boolean',
            },
          },
        },
      },
    },
  }
}

function typeOf(spec: ValueSpec): object {
  switch (spec.kind) {
    case 'pairs':
      return { type: 'object', additionalProperties: TEXT }
    case 'names':
    case 'texts':
      return { type: 'array', items: TEXT }
    case 'integer':
      return { type: 'integer', minimum: spec.min, maximum: spec.max }
    case 'duration':
      return { type: 'string', pattern: '^[0-9]+(ms|s|m|h|d)$' }
    case 'size':
      return { type: ['string', 'integer'], pattern: '^[0-9]+(B|KiB|MiB|GiB|TiB)?$' }
    case 'choice':
      return { enum: spec.values }
    default:
      return TEXT
  }
}
