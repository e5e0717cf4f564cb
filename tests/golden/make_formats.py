"""Images of the formats that OpenCV's decoders read for dtrain, and what Pillow makes of them.

formats/<name>.<ending> and formats/<name>.png (decoded, as shown, RGB). Pillow writes all of them, but for the BMP
of 16 bits a pixel and the TIFF and PNM of 16 bits a channel, which are a header and numbers.
"""
import io
import pathlib
import struct

import numpy
from PIL import Image, ImageOps

import make_images

FOLDER = pathlib.Path(__file__).parent / "formats"
SIZE = (22, 29)


def encode(image, kind, **options):
    memory = io.BytesIO()
    image.save(memory, kind, **options)
    return memory.getvalue()


def tiff_of_16_bits(pixels):
    height, width, channels = pixels.shape
    data = pixels.astype("<u2").tobytes()
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 0), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 0),
               (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(data))]
    behind = 8 + 2 + 12 * len(entries) + 4
    values = {258: behind, 273: behind + 6}
    directory = b"".join(struct.pack("<HHII", tag, kind, count, values.get(tag, value))
                         for tag, kind, count, value in entries)
    return (b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + struct.pack("<I", 0) +
            struct.pack("<HHH", 16, 16, 16) + data)


def bmp_of_16_bits(pixels, green_bits):
    height, width, _ = pixels.shape
    red, green, blue = (pixels[:, :, c].astype(numpy.uint16) for c in range(3))
    words = red >> 3 << (5 + green_bits) | green >> (8 - green_bits) << 5 | blue >> 3
    row = (width * 2 + 3) // 4 * 4
    data = b"".join(line.astype("<u2").tobytes().ljust(row, b"\0") for line in words[::-1])
    masks = b"" if green_bits == 5 else struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    start = 54 + len(masks)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 16, 3 if masks else 0, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + masks + data


def kinds():
    picture = make_images.photo(*SIZE)
    alpha = picture.convert("RGBA")
    alpha.putalpha(picture.convert("L"))
    deep = numpy.asarray(picture).astype(numpy.uint16) * 256 + 77
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "webp_lossy.webp", encode(picture, "WEBP", quality=80)
    yield "webp_lossless.webp", encode(picture, "WEBP", lossless=True)
    yield "webp_alpha.webp", encode(alpha, "WEBP", lossless=True, exact=True)
    yield "webp_turned.webp", encode(picture, "WEBP", quality=80, exif=exif)
    yield "webp_animated.webp", encode(picture, "WEBP", save_all=True, lossless=True,
                                       append_images=[ImageOps.invert(picture)])
    yield "bmp_24.bmp", encode(picture, "BMP")
    yield "bmp_palette.bmp", encode(picture.quantize(64), "BMP")
    yield "bmp_one_bit.bmp", encode(picture.convert("1"), "BMP")
    yield "bmp_grey.bmp", encode(picture.convert("L"), "BMP")
    yield "bmp_alpha.bmp", encode(alpha, "BMP")
    yield "bmp_555.bmp", bmp_of_16_bits(numpy.asarray(picture), 5)
    yield "bmp_565.bmp", bmp_of_16_bits(numpy.asarray(picture), 6)
    yield "tiff_rgb.tif", encode(picture, "TIFF")
    yield "tiff_lzw.tif", encode(picture, "TIFF", compression="tiff_lzw")
    yield "tiff_deflate.tiff", encode(picture, "TIFF", compression="tiff_adobe_deflate")
    yield "tiff_jpeg.tif", encode(picture, "TIFF", compression="jpeg", quality=90)
    yield "tiff_grey.tif", encode(picture.convert("L"), "TIFF")
    yield "tiff_one_bit.tif", encode(picture.convert("1"), "TIFF", compression="group4")
    yield "tiff_palette.tif", encode(picture.quantize(64), "TIFF")
    yield "tiff_alpha.tif", encode(alpha, "TIFF", compression="tiff_lzw")
    yield "tiff_cmyk.tif", encode(picture.convert("CMYK"), "TIFF", compression="tiff_lzw")
    yield "tiff_16_bit.tif", tiff_of_16_bits(deep)
    yield "tiff_pages.tif", encode(picture, "TIFF", save_all=True, compression="tiff_lzw",
                                   append_images=[ImageOps.invert(picture)])
    for orientation in (2, 3, 6, 7):
        yield f"tiff_orientation_{orientation}.tif", encode(picture, "TIFF", compression="tiff_lzw",
                                                            tiffinfo={274: orientation})
    yield "pnm_rgb.ppm", encode(picture, "PPM")
    yield "pnm_grey.pgm", encode(picture.convert("L"), "PPM")
    yield "pnm_one_bit.pbm", encode(picture.convert("1"), "PPM")
    yield "pnm_text.ppm", b"P3\n# a comment\n8 6\n255\n" + b"\n".join(
        b"%d" % v for v in numpy.asarray(picture)[:6, :8].reshape(-1)) + b"\n"
    yield "pnm_16_bit.ppm", b"P6 29 22 65535\n" + deep.astype(">u2").tobytes()
    yield "jpeg2000.jp2", encode(picture, "JPEG2000")
    yield "jpeg2000_lossy.jp2", encode(picture, "JPEG2000", irreversible=True, quality_mode="dB", quality_layers=[40])
    yield "jpeg2000_grey.j2k", encode(picture.convert("L"), "JPEG2000", no_jp2=True)
    yield "jpeg2000_alpha.jp2", encode(alpha, "JPEG2000")
    yield "gif.gif", encode(picture.quantize(64), "GIF")
    yield "gif_interlaced.gif", encode(picture.quantize(32), "GIF", interlace=1)
    yield "gif_animated.gif", encode(picture.quantize(16), "GIF", save_all=True,
                                     append_images=[ImageOps.invert(picture).quantize(16)])


def make():
    FOLDER.mkdir(exist_ok=True)
    for name, data in kinds():
        (FOLDER / name).write_bytes(data)
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        shown.save((FOLDER / name).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    make()
