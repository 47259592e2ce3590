// Renders what it is given with Go's own text/template: lines of JSON {"template", "data"} on standard input, one line
// {"out": base64} or {"error": text} for each on standard output. The clock stands still and the environment is given.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"
)

type job struct {
	Template []byte
	Data     json.RawMessage
}

type result struct {
	Out   []byte `json:"out"`
	Error string `json:"error,omitempty"`
}

var environment map[string]string
var clock time.Time

var functions = template.FuncMap{
	"env":   func(name string) string { return environment[name] },
	"epoch": func() int64 { return clock.Unix() },
	"now":   func() time.Time { return clock },
	"join": func(list []any, separator string) string {
		texts := make([]string, len(list))
		for i, item := range list {
			texts[i] = fmt.Sprint(item)
		}
		return strings.Join(texts, separator)
	},
	"coalesce": func(values ...any) any {
		for _, value := range values {
			if truth, ok := template.IsTrue(value); truth && ok {
				return value
			}
		}
		return nil
	},
}

func render(j job) (out []byte, err error) {
	var data any
	if err := json.Unmarshal(j.Data, &data); err != nil {
		return nil, err
	}
	parsed, err := template.New("t").Funcs(functions).Parse(string(j.Template))
	if err != nil {
		return nil, err
	}
	var written bytes.Buffer
	err = parsed.Execute(&written, data)
	return written.Bytes(), err
}

func main() {
	if err := json.Unmarshal([]byte(os.Args[1]), &environment); err != nil {
		panic(err)
	}
	var err error
	if clock, err = time.Parse(time.RFC3339Nano, os.Args[2]); err != nil {
		panic(err)
	}
	// A zone by its offset alone has a made-up name; the tests ask for names in UTC only.
	if _, offset := clock.Zone(); offset != 0 {
		clock = clock.In(time.FixedZone("", offset))
	} else {
		clock = clock.UTC()
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var j job
		if err := json.Unmarshal(lines.Bytes(), &j); err != nil {
			panic(err)
		}
		out, err := render(j)
		answer := result{Out: out}
		if err != nil {
			answer = result{Error: err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			panic(err)
		}
	}
}
