package chdb_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"heapstash/cmd/heapstash/cookbook/cookbooktest"
	"heapstash/e2e/chdb"
)

const docs = "../../docs"

// TestCookbook: a current engine has SQLite's answers to the questions of the cookbook. It
// takes their values as parameters, as the page says.
func TestCookbook(t *testing.T) {
	server := chdb.Start(t)
	database := server.Database(t)
	end := cookbooktest.Judge(t, "clickhouse://"+server.Address+"/"+database, docs)

	page, err := os.ReadFile(docs + "/cookbook-clickhouse.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"namespaces": ".", "excluded": "^$"}
	numbers := map[string]string{"now": fmt.Sprint(int64(end)), "days": "12", "top": "8"}
	parameters := make(map[string]string)
	var values []string
	for name, value := range texts {
		parameters["param_"+name] = value
		values = append(values, "{"+name+":String}", "'"+value+"'")
	}
	for name, value := range numbers {
		parameters["param_"+name] = value
		values = append(values, "{"+name+":Int64}", value, "{"+name+":UInt64}", value)
	}
	blocks := regexp.MustCompile("(?s)## ([^\n]*)\n```clickhouse\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 14 {
		t.Fatalf("the page has %d questions", len(blocks))
	}
	for _, block := range blocks {
		got, want := server.Print(t, database, block[2], parameters), server.Print(t, database, strings.NewReplacer(values...).Replace(block[2]), nil)
		if got != want || got == "" {
			t.Errorf("%s: with parameters\n%swithout them\n%s", block[1], got, want)
		}
	}
}
