"""The text of an object, compressed or not, in pieces of bounded size.

HAZARD if an object that ends too early passed for a whole one: its last lines would be missing, and
nobody would know. So the end of each compressed stream is looked for.
Limit: compressed text has no places to begin at; what is before is decompressed again and passed.
Source: RFC 1952 (members may follow each other); RFC 8878 (frames may, too).
"""

import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from reconciler.errors import InvalidInput, Undecodable
from reconciler.ingest.source import Packing

PIECE_BYTES = 2**20  # asked of the object at once
_MOST_BYTES = 2**18  # of text at once: a bomb unpacks in pieces, too
_ZSTD_WINDOW_LOG = 23  # 8 MB, what every decoder must support; more is memory

Part = Callable[[int, int], bytes]  # the bytes of the object, from where, how many at most


def text_of(part: Part, size: int, packing: Packing, start: int) -> Iterator[bytes]:
    """Yield the text from byte `start` on; Undecodable if it cannot be decompressed."""
    if packing is Packing.PLAIN:
        yield from _pieces(part, start, size)
        return
    unpacked = (_gunzipped if packing is Packing.GZIP else _unzstd)(_pieces(part, 0, size))
    to_pass = start
    for text in unpacked:
        if len(text) > to_pass:
            yield text[to_pass:]
        to_pass = max(0, to_pass - len(text))


def _pieces(part: Part, start: int, size: int) -> Iterator[bytes]:
    while start < size:
        piece = part(start, min(PIECE_BYTES, size - start))
        if not piece:
            raise Undecodable("the object is shorter than it said")
        yield piece
        start += len(piece)


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    stream: Any = None  # of the member that is being read
    for piece in pieces:
        left = piece
        while left:
            stream = stream or zlib.decompressobj(31)
            try:
                yield stream.decompress(left, _MOST_BYTES)
            except zlib.error:
                raise Undecodable("the object is no gzip from some place on") from None
            left = stream.unused_data or stream.unconsumed_tail
            stream = None if stream.eof else stream
    if stream is not None:
        raise _ends_too_early()


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    zstd = _zstd()
    bounds = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    stream: Any = None  # of the frame that is being read
    for piece in pieces:
        left = piece
        while left or (stream is not None and not stream.needs_input):
            stream = stream or zstd.ZstdDecompressor(options=bounds)
            try:
                yield stream.decompress(left, _MOST_BYTES)
            except zstd.ZstdError:
                raise Undecodable(
                    "the object is no zstd from some place on, or its window is above 8 MB"
                ) from None
            left = b""  # what it has not used, it keeps
            if stream.eof:
                left, stream = stream.unused_data, None
    if stream is not None:
        raise _ends_too_early()


def _zstd() -> Any:
    try:
        return import_module("backports.zstd")
    except ImportError:
        raise InvalidInput(
            "the object is compressed with zstd, which this process cannot read: install the"
            " library with the extra `ingest`, as scripts/package does, or compress with gzip"
        ) from None


def _ends_too_early() -> Undecodable:
    return Undecodable("the object ends within its compressed text: upload it again, whole")
