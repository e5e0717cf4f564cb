"""Pictures of every kind that dtrain reads, and what Pillow makes of them: decoded, and resized.

images/<name>.{jpg,png}, images/<name>.ppm (decoded, as shown, RGB) and images/resize.txt, a line for each
resize of photo.png: left top width height (of the box), height width (of the result), file.
"""
import io
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageOps

FOLDER = pathlib.Path(__file__).parent / "images"
BOXES = [((0, 0, 90, 70), (70, 90)), ((0, 0, 90, 70), (35, 45)), ((0, 0, 90, 70), (16, 16)), ((11, 7, 53, 41), (24, 24)),
         ((20.5, 10.25, 40.75, 33.5), (32, 32)), ((30, 20, 20, 15), (48, 64)), ((0, 0, 90, 70), (1, 1)),
         ((89, 69, 1, 1), (5, 5))]


def photo(height, width):
    """Smooth shades, edges and grain, as in a photograph."""
    random = numpy.random.Generator(numpy.random.PCG64(7))
    y, x = numpy.mgrid[0:height, 0:width]
    shades = [128 + 90 * numpy.sin(x / 11 + c) * numpy.cos(y / (7 + 3 * c)) for c in range(3)]
    pixels = numpy.stack(shades, 2) + 12 * random.standard_normal((height, width, 3))
    pixels[height // 3:height // 2, width // 4:width // 2] = (200, 40, 90)
    return Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))


def encode(image, suffix, **options):
    memory = io.BytesIO()
    image.save(memory, {"jpg": "JPEG", "png": "PNG"}[suffix], **options)
    return memory.getvalue()


def png_of_16_bits(pixels):
    """Pillow writes no 16-bit colour."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def kinds():
    picture = photo(70, 90)
    for name, options in {"444": dict(subsampling=0), "422": dict(subsampling=1), "420": dict(subsampling=2),
                          "progressive": dict(progressive=True), "low_quality": dict(quality=20)}.items():
        yield f"jpeg_{name}.jpg", encode(picture, "jpg", **{"quality": 90, **options})
    yield "jpeg_grey.jpg", encode(picture.convert("L"), "jpg", quality=90)
    yield "jpeg_cmyk.jpg", encode(picture.convert("CMYK"), "jpg", quality=90)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"jpeg_orientation_{orientation}.jpg", encode(picture, "jpg", quality=90, exif=exif)
    yield "photo.png", encode(picture, "png")
    yield "png_grey.png", encode(picture.convert("L"), "png")
    yield "png_grey_alpha.png", encode(picture.convert("LA"), "png")
    yield "png_one_bit.png", encode(picture.convert("1"), "png")
    yield "png_palette.png", encode(picture.quantize(64), "png")
    alpha = picture.convert("RGBA")
    alpha.putalpha(picture.convert("L"))
    yield "png_alpha.png", encode(alpha, "png")
    yield "png_16_bit.png", png_of_16_bits(numpy.asarray(picture).astype(numpy.uint16) * 256 + 77)


def make():
    FOLDER.mkdir(exist_ok=True)
    for name, data in kinds():
        (FOLDER / name).write_bytes(data)
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        shown.save((FOLDER / name).with_suffix(".ppm"))
    picture, lines = Image.open(FOLDER / "photo.png"), []
    for number, ((left, top, width, height), (rows, columns)) in enumerate(BOXES):
        box = (left, top, left + width, top + height)
        picture.resize((columns, rows), Image.BILINEAR, box).save(FOLDER / f"resize_{number}.ppm")
        lines.append(f"{left} {top} {width} {height} {rows} {columns} resize_{number}.ppm\n")
    (FOLDER / "resize.txt").write_text("".join(lines))


if __name__ == "__main__":
    make()
