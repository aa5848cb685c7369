//go:build cgo

package strict

// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// #include <stddef.h>
//
// // SQLite itself is part of go-sqlite3, and so comes with the program's link:
// // the symbols are weak here, because this package is also linked alone once,
// // by cgo. The declarations are those of sqlite3.h, with sqlite3* as void*.
// extern int sqlite3_auto_extension(void (*)(void)) __attribute__((weak));
// extern int sqlite3_db_config(void *db, int op, ...) __attribute__((weak));
//
// static int strictQuotes(void *db, char **message, const void *api) {
// 	const int dml = 1013, ddl = 1014; // SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL
// 	int code = sqlite3_db_config(db, dml, 0, NULL);
// 	return code != 0 ? code : sqlite3_db_config(db, ddl, 0, NULL);
// }
//
// static int eachConnection(void) {
// 	return sqlite3_auto_extension((void (*)(void))strictQuotes);
// }
import "C"

import (
	"fmt"

	_ "github.com/mattn/go-sqlite3" // SQLite
)

// As a driver of database/sql does, the package registers itself: a connection
// that is opened before a call would be another.
func init() {
	if code := C.eachConnection(); code != 0 {
		panic(fmt.Sprintf("sqlite3_auto_extension: code %d", int(code)))
	}
}
