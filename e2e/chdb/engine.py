"""Runs statements in a ClickHouse engine, one at a time.

Each message on standard input is a length (4 bytes, little-endian) and a statement.
Each answer on standard output is a byte, 0 or 1 for an error, a length and the rows in
ClickHouse's Native format or the error's text.
"""

import os
import struct
import sys

from chdb import session


def main(directory):
    # Nothing else may write into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    engine = session.Session(directory)
    while length := sys.stdin.buffer.read(4):
        statement = sys.stdin.buffer.read(*struct.unpack("<I", length)).decode()
        try:
            failed, answer = 0, engine.query(statement, "Native").bytes()
        except Exception as error:
            failed, answer = 1, str(error).encode()
        answers.write(struct.pack("<BI", failed, len(answer)) + answer)
        answers.flush()


main(sys.argv[1])
