// Package script interprets the part of DolphinDB's language that runbooks use
// to look at a cluster and to work it.
//
// It owns the language: statements, values, SQL over tables, and the way the
// console prints them. It knows nothing of a cluster: everything of the server
// goes through [Env], which is the node that a script runs on. It imports nothing
// of the project and does no I/O but through Env and the writer that it was given.
//
// The invariant: what isn't understood is refused, in DolphinDB's words where
// they are known, and never guessed; no script, however odd, panics or runs
// without end.
//
// # What is understood
//
// A script is parsed as a whole before any of it runs. An unknown function, or a
// variable that no statement before has set, is a "Syntax Error: [line #N] Cannot
// recognize the token NAME", and nothing has happened. An error later on is
// "CALL => MESSAGE": what stood before it was done. The client ends with exit code
// 0 either way, so let the last statement print a word that the runbook expects.
//
//   - Statements end with their line or with ";". An operator or a comma at the
//     end of a line, and any open bracket, go on; so do from, where, group by,
//     having, order by, limit, and and or of a query at the beginning of a line.
//     Comments are // and /* */.
//   - x = …, x += … (-=, *=, /=), x[i] = … of a vector or a dictionary; if, else;
//     for (x in a vector, a table or a:b); while; break, continue;
//     def f(a, b) { return … }, which sees its own variables only; try { } catch(ex) { },
//     where ex[1] is the message; throw; insert into t values (…); go.
//   - print(x) and an expression that is a statement by itself print. print x and
//     f x without brackets are understood, and x.f(y) is f(x, y).
//   - Literals: 1, 5l, 1.5, 1e3, true, 1b, NULL, 00i, "text" and 'text' with the
//     escapes \n \t \r \\ \" \', `a, `a`b, 1 2 3, [1, 2], (1, "a"), 2023.01.10,
//     2023.01.10T10:00:00, 2023.01.10T10:00:00.000, 1..5, 2023.01.01..2023.01.10.
//   - Operators: + - * / (whole numbers round down) \ (quotient) % == != <> < > <=
//     >= && || and or ! not in like between a:b. A vector is worked on element by
//     element. Two moments have a distance in their unit: milliseconds for now().
//   - Queries: select or exec [top n] columns from a table, a call or (select …),
//     where (conditions joined by and, or by commas outside of brackets), group by,
//     having, order by … [desc], limit n, distinct. In them = is ==. A column that
//     is neither a column nor f(column) needs as NAME: count(*) is called count,
//     max(id) max_id. exec of one column is a vector, of an aggregate a scalar.
//   - Aggregates: count, size, rows, min, max, sum, avg, first, last, nunique,
//     count(distinct x), all, any. Vectors: distinct, deltas, prev, sort, take,
//     concat(v, ","), each(f, v), iif, keys, values. Scalars: string, int, long,
//     double, bool, date, datetime, timestamp, isNull, isValid, nullFill, abs,
//     strlen, upper, lower, trim, startsWith, endsWith, strpos, split, substr,
//     typestr. Also now(), now(true), today(), dict, schema(t).colDefs.
//   - Tables: table(x as a, y as b), table(1:0, names, types), t.a, t[`a], t[0],
//     t.append!(u), tableInsert(t, u) (it returns how many rows), loadTable, whose
//     rows are read anew at each use.
//   - f{x} is f with its first argument fixed, f{,x} with its second. rpc(alias, f,
//     args…) goes to this node, a live data node or the controller that leads.
//     pnodeRun(f, [nodes], [alias]) joins what the data nodes say; the order of its
//     rows isn't stable.
//   - Every function of the table serverFunctions goes to Env.Call.
//
// Not understood, and refused: joins, context by, pivot by, update, delete,
// matrices, sets, default values of parameters, lambdas (x -> …), metaprogramming.
//
// # What the console shows
//
// A scalar stands on a line of its own, a text without quotation marks, NULL as
// an empty line; a command prints nothing. A table has a line of names, one of
// dashes, and its rows, and the console cuts it:
//
//   - after 30 rows comes a line "...", so count in the script and don't read long
//     tables;
//   - a text is cut to 120/min(columns, 10)+5 characters and ends with "...", and
//     then no blank stands before the next column: 65 with two columns, 35 with
//     four, where a chunk's id has 36. Select few columns, or print line by line:
//     for (r in t) { print(r.node + " " + r.value) };
//   - a line ends at some 120 characters: further columns aren't shown.
//
// A vector shows 30 elements, a dictionary a line "key->value" each.
package script
