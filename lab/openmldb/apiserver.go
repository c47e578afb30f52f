package openmldb

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// apiReply is what every request to an API server gets, with HTTP status 200
// whatever happened: code is 0 and msg ok, or -1 and the reason.
type apiReply struct {
	Code   int      `json:"code"`
	Msg    string   `json:"msg"`
	Data   *apiRows `json:"data,omitempty"`
	DBs    []string `json:"dbs,omitempty"`
	Tables []any    `json:"tables,omitempty"`
}

type apiRows struct {
	Schema []string `json:"schema"`
	Data   [][]any  `json:"data"`
}

// apiRoutes adds to mux what an API server answers over HTTP.
func (c *component) apiRoutes(mux *http.ServeMux) {
	handle := func(pattern string, reply func(r *http.Request) apiReply) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(reply(r)); err != nil {
				c.logf("W", "answer: %v", err)
			}
		})
	}
	handle("GET /dbs", func(*http.Request) apiReply {
		a, why := c.query("show databases")
		if why != "" {
			return apiReply{Code: -1, Msg: why}
		}
		out := apiReply{Msg: "ok"}
		for _, r := range a.Rows {
			out.DBs = append(out.DBs, r[0])
		}
		return out
	})
	handle("GET /dbs/{db}/tables", func(r *http.Request) apiReply { return c.apiTables(r.PathValue("db")) })
	handle("POST /dbs/{db}", c.apiQuery)
	handle("PUT /dbs/{db}/tables/{table}", func(r *http.Request) apiReply {
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(nil, r.Body, maxBody)); err != nil {
			return apiReply{Code: -1, Msg: "read the request: " + err.Error()}
		}
		if _, why := c.query("insert into " + r.PathValue("db") + "." + r.PathValue("table") + " values ()"); why != "" {
			return apiReply{Code: -1, Msg: why}
		}
		return apiReply{Msg: "ok"}
	})
	handle("POST /refresh", func(*http.Request) apiReply { return apiReply{Msg: "ok"} })
}

// query asks the cluster, and says why it was refused.
func (c *component) query(sql string) (a answer, why string) {
	a, err := askOnce(c.flags["zk_cluster"], request{Kind: "sql", SQL: sql})
	if err != nil {
		return a, err.Error()
	}
	if text, bad := strings.CutPrefix(a.Text, "Error: "); bad {
		return a, text
	}
	return a, ""
}

// apiQuery is `{"mode": "online", "sql": "…"}`, in the database of the path.
func (c *component) apiQuery(r *http.Request) apiReply {
	var q struct{ Mode, SQL string }
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&q); err != nil {
		return apiReply{Code: -1, Msg: "Json parse failed: " + err.Error()}
	}
	switch q.Mode {
	case "online":
	case "offsync", "offasync":
		return apiReply{Code: -1, Msg: "this lab's API server only knows the mode online"}
	default:
		return apiReply{Code: -1, Msg: "Invalid mode: " + q.Mode}
	}
	a, why := c.query(qualified(q.SQL, r.PathValue("db")))
	if why != "" {
		return apiReply{Code: -1, Msg: why}
	}
	out := apiReply{Msg: "ok"}
	if a.Header != nil {
		out.Data = typed(a)
	}
	return out
}

// qualified is a statement whose table is looked for in db when it has no
// database.
func qualified(sql, db string) string {
	sql = strings.TrimSuffix(strings.TrimSpace(sql), ";")
	if m := barePattern.FindStringSubmatchIndex(sql); m != nil {
		return sql[:m[2]] + db + "." + sql[m[2]:]
	}
	return sql
}

// typed is a table as JSON: whole columns of numbers are numbers.
func typed(a answer) *apiRows {
	out := &apiRows{Schema: make([]string, len(a.Header)), Data: [][]any{}}
	for i := range a.Header {
		out.Schema[i] = "Int64"
		for _, r := range a.Rows {
			if _, err := strconv.ParseInt(r[i], 10, 64); err == nil {
				continue
			}
			if _, err := strconv.ParseFloat(r[i], 64); err == nil && out.Schema[i] != "String" {
				out.Schema[i] = "Double"
			} else {
				out.Schema[i] = "String"
			}
		}
	}
	for _, r := range a.Rows {
		row := make([]any, len(r))
		for i, cell := range r {
			row[i] = cell
			if out.Schema[i] != "String" {
				row[i] = json.Number(cell)
			}
		}
		out.Data = append(out.Data, row)
	}
	return out
}

// apiTables lists the tables of a database.
func (c *component) apiTables(db string) apiReply {
	a, why := c.query("show table status like '" + strings.ReplaceAll(db, "'", "") + "'")
	if why != "" {
		return apiReply{Code: -1, Msg: why}
	}
	out := apiReply{Msg: "ok", Tables: []any{}}
	for _, r := range a.Rows {
		out.Tables = append(out.Tables, map[string]any{
			"name": r[1], "db": r[2], "tid": json.Number(r[0]), "partition_num": json.Number(r[7]), "replica_num": json.Number(r[9]),
		})
	}
	return out
}
