# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished picture or video says about how it was made, as XMP that search engines and shops read.

The pixels of a file do not change. IPTC's digital source type is the member that Google Merchant Center and the EU's
AI Act ask for; the names of the AI members are those of the IPTC Photo Metadata Standard 2025.1.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape

from ..files.kinds import FileKind, kind_of
from ..files.picture_files import EOI, SOS

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_PNG_KEYWORD = b"XML:com.adobe.xmp"
_JPEG_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_APP0, _APP1 = 0xE0, 0xE1
_SEGMENT_BYTES = 65535 - 2
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10  # Of the VP8X chunk (RFC 9649, 2.7.1).
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification, part 3, 1.1.3.
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.1, A.5.1.
_GIF_HEADER = b"\x21\xff\x0bXMP DataXMP"
# Readers that take the packet for sub-blocks skip from any of its bytes to the end (XMP specification, part 3, 1.1.2).
_GIF_TRAILER = bytes([1, *range(255, -1, -1), 0])
_SOURCE_TYPE = re.compile(re.escape(VOCABULARY.encode()) + rb"(\w+)")

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>{system}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_SYSTEM = "\n   <Iptc4xmpExt:AISystemUsed>{system}</Iptc4xmpExt:AISystemUsed>"


class SourceType(StrEnum):
    """Terms of IPTC's vocabulary of digital source types, in their spelling."""

    RENDER = "digitalCreation"  # Made by a person with tools that are not generative, such as Blender.
    GENERATED = "trainedAlgorithmicMedia"  # Made by an AI model.
    COMPOSITE = "compositeSynthetic"  # Several elements, at least one of them generated.

    @property
    def address(self) -> str:
        """The term as it stands in files."""
        return VOCABULARY + self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a picture or video. ``system`` names the AI system, "" when none was used."""

    source_type: SourceType
    tool: str
    system: str = ""

    @property
    def note(self) -> str:
        """The same as one line, for formats that hold no XMP."""
        parts = [self.tool, f"digital source type <{self.source_type.address}>", self.system]
        return "; ".join(filter(None, parts))

    def packet(self) -> bytes:
        """The XMP packet. The same for the same values, so that equal pictures stay equal files."""
        system = _SYSTEM.format(system=escape(self.system)) if self.system else ""
        return _PACKET.format(
            tool=escape(self.tool), source_type=self.source_type.address, system=system
        ).encode()


def stamped(data: bytes, provenance: Provenance) -> bytes:
    """A file with the XMP packet of ``provenance``, in place of an earlier one.

    PNG, JPEG, WebP, GIF, MP4 and MOV. A video that states a source type keeps it. Other formats, AVIF among them, and
    damaged files are returned as they are: Pillow writes the packet of an AVIF when it encodes it.
    """
    packet = provenance.packet()
    write = _gif if data.startswith(b"GIF8") else _WRITERS.get(kind_of(data), _unchanged)
    try:
        return write(data, packet)
    except (struct.error, IndexError):
        return data


def source_type_of(data: bytes) -> str:
    """The first digital source type that a file states, such as "trainedAlgorithmicMedia"; "" when it has none."""
    found = _SOURCE_TYPE.search(data)
    return found[1].decode() if found else ""


def _unchanged(data: bytes, _packet: bytes) -> bytes:
    return data


def _png(data: bytes, packet: bytes) -> bytes:
    """PNG, third edition, 5.3 and 11.3.2.3: the packet is an uncompressed iTXt chunk behind the header."""
    content = _PNG_KEYWORD + b"\0\0\0\0\0" + packet
    chunk = struct.pack(">I", len(content)) + b"iTXt" + content
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    kept, position, behind_header = [data[:8]], 8, 0
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + int(length)
        if not (kind == b"iTXt" and data.startswith(_PNG_KEYWORD, position + 8)):
            kept.append(data[position:end])
        if kind == b"IHDR":
            behind_header = len(kept)
        position = end
    kept.insert(behind_header, chunk)
    return b"".join(kept)


def _jpeg(data: bytes, packet: bytes) -> bytes:
    """ITU-T T.81, B.1: the packet is an APP1 segment behind the one of JFIF."""
    content = _JPEG_HEADER + packet
    if len(content) > _SEGMENT_BYTES:
        return data
    kept, position = [data[:2]], 2
    while data[position] == 0xFF and data[position + 1] not in (SOS, EOI):
        marker = data[position + 1]
        end = position + 2 + int(struct.unpack_from(">H", data, position + 2)[0])
        if not (marker == _APP1 and data.startswith(_JPEG_HEADER, position + 4)):
            kept.append(data[position:end])
        position = end
    place = 2 if len(kept) > 1 and kept[1][1] == _APP0 else 1
    kept.insert(place, struct.pack(">BBH", 0xFF, _APP1, len(content) + 2) + content)
    return b"".join(kept) + data[position:]


def _webp(data: bytes, packet: bytes) -> bytes:
    """RFC 9649, 2.7: the packet is the last chunk of an extended file, whose header announces it."""
    chunks, position = [], 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind != b"XMP ":
            chunks.append((kind, data[position + 8 : position + 8 + int(length)]))
        position += 8 + int(length) + int(length) % 2
    if chunks[0][0] == b"VP8X":
        header = bytes([chunks[0][1][0] | _XMP_FLAG]) + chunks.pop(0)[1][1:]
    else:
        width, height, has_alpha = _webp_size(*chunks[0])
        flags = _XMP_FLAG | (_ALPHA_FLAG if has_alpha else 0)
        header = (
            struct.pack("<I", flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        )
    body = b"".join(_webp_chunk(*chunk) for chunk in [(b"VP8X", header), *chunks, (b"XMP ", packet)])
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _webp_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _webp_size(kind: bytes, content: bytes) -> tuple[int, int, bool]:
    """Width and height in pixels and whether there is alpha, of a picture (RFC 6386, 9.1; RFC 9649, 3.4)."""
    if kind == b"VP8L":
        bits = int(struct.unpack_from("<I", content, 1)[0])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = struct.unpack_from("<HH", content, 6)
    return width & 0x3FFF, height & 0x3FFF, False


def _gif(data: bytes, packet: bytes) -> bytes:
    """The packet is an application extension before the end of the file."""
    if _GIF_HEADER in data or not data.endswith(b";"):
        return data
    return data[:-1] + _GIF_HEADER + packet + _GIF_TRAILER + b";"


def _mp4(data: bytes, packet: bytes) -> bytes:
    """The packet is a box behind the others, so that no offset changes.

    A C2PA manifest of the service becomes free space, because it would no longer match the file; the file as
    received keeps it.
    """
    if source_type_of(data):
        return data
    position = 0
    changed = bytearray(data)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"uuid" and data.startswith(_C2PA_UUID, position + 8):
            changed[position + 4 : position + 8] = b"free"
        if length == 1:
            length = struct.unpack_from(">Q", data, position + 8)[0]
        if length < 8:  # The last box reaches to the end of the file, so nothing can follow it.
            return data
        position += int(length)
    if position != len(data):
        return data
    return bytes(changed) + struct.pack(">I4s", len(packet) + 24, b"uuid") + _XMP_UUID + packet


_WRITERS = {
    FileKind.PNG: _png,
    FileKind.JPEG: _jpeg,
    FileKind.WEBP: _webp,
    FileKind.MP4: _mp4,
    FileKind.MOV: _mp4,
}
