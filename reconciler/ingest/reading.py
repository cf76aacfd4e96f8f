"""The lines of a job's object, from where a part begins, and what each of them means.

Source: DynamoDB guide, "Table export output format" (manifest-files.json).
"""

import json
from collections.abc import Iterator
from functools import partial

from reconciler.errors import MALFORMED, InvalidInput, Undecodable
from reconciler.ingest.jobs import Job
from reconciler.ingest.lines import Line, fields_of, lines_from, lines_in, rows_in
from reconciler.ingest.meaning import Assignment, header_of, meaning_of_json, meaning_of_row
from reconciler.ingest.outside import Objects
from reconciler.ingest.source import Form, Packing, Source, packing_of
from reconciler.ingest.unpacking import text_of
from reconciler.item.schema import Schema


class Reading:
    """Reads objects of one bucket, with the schema of their table."""

    def __init__(self, schema: Schema, objects: Objects) -> None:
        self._schema = schema
        self._objects = objects

    def packing(self, job: Job) -> Packing:
        """Return how the object is compressed."""
        return packing_of(self._objects.part(job.source, 0, 4) if job.size else b"")

    def header(self, job: Job) -> tuple[str, ...]:
        """Return the names of the columns, none unless it is CSV; InvalidInput if it has none."""
        if job.form is not Form.CSV:
            return ()
        first = next(self.lines(job, 0), Line(0, b""))
        if first.text is None or not first.is_row:
            raise InvalidInput("the header is no row of CSV")
        return header_of(fields_of(first.text), self._schema)

    def listed(self, manifest: Source) -> Iterator[Source]:
        """Yield the data files of an export that its manifest lists, which knows no versions."""
        size = self._objects.facts(manifest).size
        pieces = text_of(partial(self._objects.part, manifest), size, Packing.PLAIN, 0)
        for line in lines_in(pieces, 0):
            try:
                said = json.loads(line.text or b"")
                yield Source(str(said["dataFileS3Key"]), "", str(said["etag"]))
            except MALFORMED:
                raise Undecodable("the manifest lists no files: a line of it is broken") from None

    def lines(self, job: Job, start: int) -> Iterator[Line]:
        """Yield the lines that begin at byte `start` or later, the header and empty ones too."""
        part = partial(self._objects.part, job.source)
        if job.form is Form.CSV:
            return rows_in(text_of(part, job.size, job.packing, start), start)
        return lines_from(text_of(part, job.size, job.packing, max(start - 1, 0)), start)

    def says_nothing(self, job: Job, line: Line) -> bool:
        """Return whether a line is the header, or empty."""
        is_header = job.form is Form.CSV and line.at == 0
        return is_header or (line.text is not None and not line.text.strip())

    def meaning(self, job: Job, line: Line) -> Assignment:
        """Return what a line means; InvalidInput or Undecodable if nothing."""
        if line.text is None:
            raise InvalidInput("the line is longer than 1 MB, and so than any item")
        if not line.is_row:
            raise InvalidInput("the line is no row of CSV: look for a quote that is not doubled")
        if job.form is Form.CSV:
            return meaning_of_row(fields_of(line.text), job.header, self._schema)
        return meaning_of_json(line.text, self._schema)
