"""Text out of objects, compressed or not."""

import gzip
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidInput, Undecodable
from reconciler.ingest import unpacking
from reconciler.ingest.source import Packing, packing_of
from reconciler.ingest.unpacking import text_of


def text(data: bytes, start: int = 0, size: int | None = None) -> bytes:
    def part(begin: int, most: int) -> bytes:
        return data[begin : begin + min(most, 100)]

    return b"".join(text_of(part, size or len(data), packing_of(data[:4]), start))


@given(st.binary(max_size=2_000), st.integers(0, 2_100), st.booleans())
def test_the_text_from_any_byte_on_is_the_same_whether_it_is_compressed(
    data: bytes, start: int, is_packed: bool
) -> None:
    packed = gzip.compress(data)
    assert text(packed, start) == data[start:]


def test_members_of_gzip_that_follow_each_other_are_one_text() -> None:
    assert text(gzip.compress(b"one\n") + gzip.compress(b"") + gzip.compress(b"two\n")) == (
        b"one\ntwo\n"
    )


@pytest.mark.parametrize("cut", range(10, 40, 5))
def test_gzip_that_ends_too_early_is_refused(cut: int) -> None:
    packed = gzip.compress(bytes(range(256)))
    with pytest.raises(Undecodable, match="ends within"):
        text(packed[:cut])


def test_gzip_that_is_broken_is_refused() -> None:
    packed = bytearray(gzip.compress(b"a" * 500 + bytes(range(256))))
    packed[-6] ^= 0xFF  # of its checksum
    with pytest.raises(Undecodable, match="no gzip from some place on"):
        text(bytes(packed))


def test_a_bomb_unpacks_in_pieces_of_bounded_size() -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = packer.compress(bytes(50 * 2**20)) + packer.flush()
    sizes = [len(each) for each in text_of(lambda a, n: packed[a : a + n], len(packed),
                                           Packing.GZIP, 0)]  # fmt: skip
    assert sum(sizes) == 50 * 2**20
    assert max(sizes) <= unpacking._MOST_BYTES


def test_an_object_that_is_shorter_than_it_said_is_refused() -> None:
    with pytest.raises(Undecodable, match="shorter"):
        text(b"plain", size=10)


def test_without_its_package_zstd_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    with pytest.raises(InvalidInput, match="the extra `ingest`"):
        text(b"\x28\xb5\x2f\xfd and so on")


class TestZstd:
    """With the package, where it is installed."""

    @pytest.fixture
    def zstd(self) -> Any:
        return pytest.importorskip("backports.zstd")

    @pytest.fixture
    def packed(self, zstd: Any) -> bytes:
        return zstd.compress(b"one\n" * 5_000) + zstd.compress(b"two\n")  # type: ignore[no-any-return]

    def test_frames_that_follow_each_other_are_one_text(self, packed: bytes) -> None:
        assert text(packed, 19_996) == b"one\ntwo\n"

    def test_the_text_is_the_same_from_any_byte_on(self, zstd: Any) -> None:
        data = bytes(range(256)) * 20
        for start in (0, 1, 100, 5_119, 5_120):
            assert text(zstd.compress(data), start) == data[start:]

    def test_a_frame_that_ends_too_early_is_refused(self, packed: bytes) -> None:
        with pytest.raises(Undecodable, match="ends within"):
            text(packed[:-3])

    def test_a_frame_that_is_broken_is_refused(self, packed: bytes) -> None:
        with pytest.raises(Undecodable, match="no zstd"):
            text(packed[:5] + b"\xff" * 20)

    def test_a_bomb_unpacks_in_pieces_of_bounded_size(self, zstd: Any) -> None:
        packed = zstd.compress(bytes(50 * 2**20))
        pieces = text_of(lambda a, n: packed[a : a + n], len(packed), Packing.ZSTD, 0)
        sizes = [len(each) for each in pieces]
        assert sum(sizes) == 50 * 2**20
        assert max(sizes) <= unpacking._MOST_BYTES

    def test_a_window_that_would_take_much_memory_is_refused(self, zstd: Any) -> None:
        wide = {zstd.CompressionParameter.window_log: 27}
        packed = zstd.compress(bytes(range(256)) * 2**18, options=wide)
        with pytest.raises(Undecodable, match="above 8 MB"):
            text(packed)
