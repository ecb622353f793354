"""Opens what reporters wrote with the programs that people open it with, and prints what they see as JSON.

    readers.py parquet FOLDER     DuckDB
    readers.py trace FILE         Perfetto's trace processor
"""

import json
import sys


def parquet(folder):
    import duckdb

    seen = {}
    for table in ("operators", "samples"):
        rows = duckdb.read_parquet(f"{folder}/{table}.parquet")
        seen[table] = {
            "types": dict(zip(rows.columns, map(str, rows.types))),
            "rows": [[str(v) if v is not None else None for v in row] for row in rows.fetchall()],
        }
        if table == "operators":
            query = 'select "group", sum(host_ns_median), sum(share) from rows group by all order by 1'
            seen["groups"] = [list(row) for row in duckdb.sql(query).fetchall()]
    return seen


def trace(file):
    from perfetto.trace_processor import TraceProcessor

    processor = TraceProcessor(trace=file)
    query = """
        select s.id, s.parent_id as parent, s.depth, s.ts, s.dur, s.name, s.category
        from slice s order by s.id
    """
    slices = [
        {k: getattr(row, k) for k in ("id", "parent", "depth", "ts", "dur", "name", "category")}
        for row in processor.query(query)
    ]
    counters = {row.name for row in processor.query("select distinct name from counter_track")}
    errors = [
        row.name
        for row in processor.query("select name from stats where severity = 'error' and value > 0")
    ]
    return {"slices": slices, "counters": sorted(counters), "errors": errors}


print(json.dumps({"parquet": parquet, "trace": trace}[sys.argv[1]](sys.argv[2])))
