"""Prints all rows of a lake as JSON lines: read.py TOOL DIRECTORY.

Each line is an object: the kind, the cluster, and the columns that are not NULL. Numbers are texts.
"""
import glob
import json
import os
import sys


def show(kind, cluster, columns, row):
    cells = {}
    for name, value in zip(columns, row):
        if value is None or name in ("kind", "cluster", "day", "time", "_path"):
            continue
        cells[name] = value if isinstance(value, str) else repr(value)
    print(json.dumps({"kind": kind, "cluster": cluster, "cells": cells}))


def duckdb(kind):
    import duckdb
    found = duckdb.sql(f"SELECT * FROM read_parquet('kind={kind}/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false, union_by_name = true)")
    for row in found.fetchall():
        show(kind, row[found.columns.index("cluster")], found.columns, row)


def pandas(kind):
    import pandas, pyarrow
    from pyarrow import dataset
    names = pyarrow.schema([("cluster", pyarrow.string()), ("day", pyarrow.string())])
    frame = dataset.dataset(f"kind={kind}", partitioning=dataset.partitioning(names, flavor="hive")).to_table().to_pandas(types_mapper=pandas.ArrowDtype)
    for row in frame.itertuples(index=False, name=None):
        row = [None if value is pandas.NA else value for value in row]
        show(kind, row[list(frame.columns).index("cluster")], frame.columns, row)


def spark(kind):
    frame = session().read.option("mergeSchema", "true").parquet(f"kind={kind}")
    for row in frame.collect():
        show(kind, row["cluster"], frame.columns, row)


def session():
    from pyspark.sql import SparkSession
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        # Few rows are read: neither parallel work nor compiled code is worth its start.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def clickhouse(kind):
    from chdb import session
    found = session.Session().query(
        f"SELECT *, _path FROM file('{os.getcwd()}/kind={kind}/*/*/*.parquet', Parquet) SETTINGS use_hive_partitioning = 0", "JSONCompactEachRowWithNames")
    lines = str(found).splitlines()
    columns = json.loads(lines[0])
    from urllib.parse import unquote
    for line in lines[1:]:
        row = [repr(v) if isinstance(v, float) else v for v in json.loads(line)]
        cluster = row[columns.index("_path")].split("cluster=")[1].split("/")[0]
        show(kind, unquote(cluster), columns, [str(v) if isinstance(v, int) else v for v in row])


if __name__ == "__main__":
    os.chdir(sys.argv[2])
    for path in sorted(glob.glob("kind=*")):
        globals()[sys.argv[1]](path.removeprefix("kind="))
