package answer

import (
	"fmt"
	"strings"
	"time"

	"heapstash/archive/query"
)

// statement returns the SQL that answers the plan. Its columns are the groups, with a
// step ts, and the aggregates.
//
// Every row of the view is read once, so that the answer is of one state: the groups
// of the greatest rank carry their steps with them.
func (p plan) statement() string {
	groups := columns(p.Groups())
	keys := strings.Join(groups, ", ")
	if p.Step == 0 {
		text := "SELECT " + list(groups, p.finals()) + "\nFROM " + p.parted("") + "\nORDER BY " + strings.Join(p.rank(""), " DESC, ") + " DESC, " + keys
		if p.Top > 0 {
			text += fmt.Sprintf("\nLIMIT %d", p.Top)
		}
		return text
	}
	if p.Top == 0 {
		return "SELECT " + list(groups, []string{"step AS ts"}, p.finals()) + "\nFROM " + p.parted(p.step()) + "\nORDER BY " + keys + ", step"
	}
	var parts, ofRange, fields, aggs []string
	for _, part := range p.partsOf(p.Aggs[0]) {
		parts = append(parts, part.name)
		ofRange = append(ofRange, part.over("")+" AS "+whole+part.name)
	}
	for i, agg := range p.Aggs {
		fields = append(fields, p.final(agg))
		aggs = append(aggs, fmt.Sprintf("of_step.%d AS %s", i+2, spelled(agg)))
	}
	steps := "(SELECT " + list(groups, parts, []string{"(step, " + join(fields) + ") AS of_step"}) + "\n  FROM " + p.parted(p.step()) + " AS p)"
	ranked := "(SELECT " + list(groups, ofRange, []string{"groupArray(of_step) AS steps"}) + "\n  FROM " + steps + " AS s\n  GROUP BY " + keys + ")"
	var ranks []string
	order := ""
	for i, rank := range p.rank(whole) {
		ranks = append(ranks, fmt.Sprintf("%s AS rank_%d", rank, i))
		order += fmt.Sprintf("rank_%d DESC, ", i)
	}
	top := "(SELECT " + list(groups, ranks, []string{"steps"}) + "\n  FROM " + ranked + fmt.Sprintf(" AS r\n  ORDER BY %s%s\n  LIMIT %d)", order, keys, p.Top)
	return "SELECT " + list(groups, []string{"of_step.1 AS ts"}, aggs) + "\nFROM " + top + " AS g\nARRAY JOIN steps AS of_step\nORDER BY " + order + keys + ", ts"
}

// whole begins the names of a group's parts over the whole range.
const whole = "whole_"

// step returns the begin of a cell's step.
func (p plan) step() string {
	seconds := int64(p.Step / time.Second)
	if first := query.StepBegin(0, p.Step); first != 0 {
		return fmt.Sprintf("t - (t - %d) %% %d", first, seconds)
	}
	return fmt.Sprintf("t - t %% %d", seconds)
}

// parted returns the FROM of the parts that the aggregates are made of, for each group
// and step.
func (p plan) parted(step string) string {
	list := columns(p.Groups())
	keys := p.keys()
	if step != "" {
		list = append(list, step+" AS step")
		keys += ", step"
	}
	for _, part := range p.parts() {
		text := part.of
		if p.isSpread() {
			text = part.over("cell_")
		}
		list = append(list, text+" AS "+part.name)
	}
	return "(SELECT " + join(list) + "\n  FROM " + p.cells() + " AS c\n  GROUP BY " + keys + ")"
}

// finals returns the columns of the aggregates.
func (p plan) finals() []string {
	var list []string
	for _, agg := range p.Aggs {
		list = append(list, p.final(agg)+" AS "+spelled(agg))
	}
	return list
}

// spelled returns the name of an aggregate's column.
func spelled(agg query.Agg) string { return "`" + string(agg) + "`" }

func join(list []string) string { return strings.Join(list, ", ") }
