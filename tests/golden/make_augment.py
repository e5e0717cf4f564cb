"""What torchvision makes of Pillow images with each operation of augmentation, and its tables.

augment/<part>.json: `images`, the size (height, width, channels) of each, one after the other in <part>.bin (u8),
and `cases`, an object each: operation, arguments, fill, bilinear, and the numbers of its input and its result.
augment/tables.json: magnitudes and policies.
"""
import json
import pathlib

import numpy
from PIL import Image
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode, RandAugment, TrivialAugmentWide
from torchvision.transforms import autoaugment
from torchvision.transforms import functional as F

FOLDER = pathlib.Path(__file__).parent / "augment"
FILL = [10, 200, 30]


def inputs():
    """By name: what operations are applied to, no larger than shows everything."""
    photo = numpy.asarray(Image.open(FOLDER.parent / "images" / "photo.png").convert("RGB"))[20:45, 15:52]
    random = numpy.random.Generator(numpy.random.PCG64(11))
    narrow = numpy.stack([90 + photo[..., 0] // 6, 30 + photo[..., 1] // 3, photo[..., 2] // 2], 2)
    arrays = {
        "photo": photo,
        "grey": numpy.asarray(Image.fromarray(photo).convert("L")),
        "narrow": narrow,  # each channel within its own range
        "flat": numpy.full((4, 5, 3), 77),
        "two": numpy.where(photo[:9, :8] > 128, 140, 60),
        "colours": random.integers(0, 256, (48, 64, 3)),
        "tiny": photo[:2, :2],
    }
    return {name: Image.fromarray(array.astype(numpy.uint8)) for name, array in arrays.items()}


def photometric():
    for name in ("photo", "grey"):
        for factor in (0.0, 0.3, 1.0, 1.7):
            yield name, "adjust_brightness", [factor]
            yield name, "adjust_contrast", [factor]
            yield name, "adjust_saturation", [factor]
            yield name, "adjust_sharpness", [factor]
        yield from ((name, "solarize", [threshold]) for threshold in (0.0, 127.5, 255.0, 256.0))
        yield from ((name, "posterize", [bits]) for bits in (1, 4, 8))
        yield from ((name, operation, []) for operation in ("autocontrast", "equalize", "invert", "to_grayscale"))
        yield name, "adjust_hue", [0.25]
        yield from ((name, "gaussian_blur", list(pair)) for pair in ((1, 1.0), (5, 1.2), (23, 4.0)))
        yield from ((name, "center_crop", list(size)) for size in ((10, 12), (11, 11), (30, 20), (40, 41)))
    for name in ("narrow", "flat", "two"):
        yield from ((name, operation, []) for operation in ("autocontrast", "equalize"))
    yield from (("colours", "adjust_hue", [turn]) for turn in (-0.5, -0.17, 0.01, 0.5))
    yield "colours", "adjust_saturation", [0.37]
    yield "tiny", "adjust_sharpness", [0.5]


def geometric():
    for name in ("photo", "grey"):
        for bilinear in (False, True):
            yield from ((name, "rotate", [angle], FILL, bilinear) for angle in (-30.0, 17.0, 90.0, 180.0, 400.5))
            yield name, "affine", [20.0, 3, -2, 11.0, 0.0], FILL, bilinear
            yield name, "affine", [-95.0, -4, 6, -20.0, 30.0], FILL, bilinear
    yield "tiny", "rotate", [45.0], FILL, True


def automatic():
    """Every operation at a usual and at its largest wide magnitude, both signs."""
    usual = AutoAugment()._augmentation_space(31, (25, 37)) | RandAugment()._augmentation_space(31, (25, 37))
    wide = TrivialAugmentWide()._augmentation_space(31)
    for operation, (magnitudes, signed) in usual.items():
        if magnitudes.ndim == 0:
            chosen = [0.0]
        else:
            chosen = [float(magnitudes[9]), float(wide[operation][0][30])]
            chosen += [-magnitude for magnitude in chosen] if signed else []
        yield from (("photo", operation, [magnitude]) for magnitude in chosen)
        yield "grey", operation, chosen[-1:]


def apply(image, operation, arguments, fill, bilinear):
    mode = InterpolationMode.BILINEAR if bilinear else InterpolationMode.NEAREST
    channels = len(image.getbands())
    fill = fill[:channels]
    if operation == "rotate":
        return F.rotate(image, *arguments, mode, fill=fill)
    if operation == "affine":
        angle, x, y, shear_x, shear_y = arguments
        return F.affine(image, angle, [x, y], 1.0, [shear_x, shear_y], mode, fill)
    if operation == "to_grayscale":
        return F.to_grayscale(image, channels)
    if operation == "center_crop":
        return F.center_crop(image, arguments)
    if hasattr(F, operation):
        return getattr(F, operation)(image, *arguments)
    return autoaugment._apply_op(image, operation, *arguments, mode, fill)


def write(part, cases):
    pictures, numbers, shapes, entries, data = inputs(), {}, [], [], bytearray()

    def add(image):
        array = numpy.asarray(image)
        shapes.append(list(array.reshape(*array.shape[:2], -1).shape))
        data.extend(array.tobytes())
        return len(shapes) - 1

    for name, operation, arguments, *rest in cases:
        fill, bilinear = rest or ([0, 0, 0], False)
        if name not in numbers:
            numbers[name] = add(pictures[name])
        result = add(apply(pictures[name], operation, arguments, fill, bilinear))
        entries.append({"operation": operation, "arguments": arguments, "fill": fill, "bilinear": bilinear,
                        "input": numbers[name], "result": result})
    (FOLDER / f"{part}.bin").write_bytes(data)
    lines = ",\n  ".join(json.dumps(entry) for entry in entries)
    (FOLDER / f"{part}.json").write_text(f'{{\n "images": {json.dumps(shapes)},\n "cases": [\n  {lines}\n ]\n}}\n')
    print(f"augment/{part}: {len(entries)} cases, {len(data)} bytes")


def tables():
    def listed(space):
        return {name: {"magnitudes": magnitudes.reshape(-1).double().tolist(), "signed": signed}
                for name, (magnitudes, signed) in space.items()}

    policies = {policy.value: AutoAugment(policy).policies for policy in AutoAugmentPolicy}
    usual = RandAugment()
    return {"rand_augment_31_at_224x224": listed(usual._augmentation_space(31, (224, 224))),
            "rand_augment_31_at_33x47": listed(usual._augmentation_space(31, (33, 47))),
            "rand_augment_11_at_32x32": listed(usual._augmentation_space(11, (32, 32))),
            "trivial_augment_wide_31": listed(TrivialAugmentWide()._augmentation_space(31)),
            "auto_augment_10_at_32x32": listed(AutoAugment()._augmentation_space(10, (32, 32))),
            "policies": policies}


def make(text_of):
    FOLDER.mkdir(exist_ok=True)
    for part, cases in (("photometric", photometric()), ("geometric", geometric()), ("automatic", automatic())):
        write(part, cases)
    (FOLDER / "tables.json").write_text(text_of(tables()) + "\n")
