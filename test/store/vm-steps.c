/* For tests: SELECT vm_steps() is how many instructions all prepared statements of the connection have run since the
 * last call. A row that is visited costs some of them, whatever the query plan calls it. */
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

static void vmSteps(sqlite3_context *context, int count, sqlite3_value **values) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  sqlite3_int64 steps = 0;
  for (sqlite3_stmt *s = sqlite3_next_stmt(db, 0); s; s = sqlite3_next_stmt(db, s))
    steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
  (void)count;
  (void)values;
  sqlite3_result_int64(context, steps);
}

int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)error;
  return sqlite3_create_function(db, "vm_steps", 0, SQLITE_UTF8, 0, vmSteps, 0, 0);
}
