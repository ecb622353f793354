#!/usr/bin/env python3
"""Writes datasets/tests/golden/*.safetensors: what the reference's preprocessing makes of sample photographs.

Needs torch 2.11.0, torchvision 0.26.0, transformers 5.17.0, Pillow 13.0.0, safetensors 0.8.0:

    python datasets/tools/make_golden.py

One file per preprocessor. For every photograph `NAME` it holds

    NAME          every fifth pixel, in rows and columns, of the [3, 224, 224] f32 result (45 x 45 per channel; five
                  shares no factor with 224 or with a JPEG block)
    NAME.mean     mean of each channel over the whole result
    NAME.std      population standard deviation of each channel over the whole result
"""

from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save
from torchvision.models import ResNet50_Weights
from transformers import AutoImageProcessor, DetrImageProcessor, ViTImageProcessor

DATASETS = Path(__file__).resolve().parent.parent
# Wide, wide with a half-pixel crop offset, tall, and grey.
PHOTOGRAPHS = ("chelsea", "rocket", "hubble", "camera")
STRIDE = 5


def resnet50():
    """torchvision's evaluation transform of ResNet50_Weights.IMAGENET1K_V2."""
    return ResNet50_Weights.IMAGENET1K_V2.transforms()


def vit(resample, mean, std):
    """A ViTImageProcessor for 224 x 224 pixels."""
    processor = ViTImageProcessor(
        do_resize=True,
        size={"height": 224, "width": 224},
        resample=resample,
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        image_mean=mean,
        image_std=std,
    )
    return lambda image: processor(image, return_tensors="pt")["pixel_values"][0]


def vit_b16():
    """The published values of google/vit-base-patch16-224."""
    return vit(Image.Resampling.BILINEAR, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5])


def swin_t():
    """The published values of microsoft/swin-tiny-patch4-window7-224."""
    return vit(Image.Resampling.BICUBIC, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def detr():
    """Every 17th pixel, in rows and columns, of what the published processor of facebook/detr-resnet-50 makes of each
    photograph, shorter side 800, longer one at most 1333; the size of the whole result, and how many pixels its mask
    sets where all photographs are one batch."""
    processor = DetrImageProcessor(size={"shortest_edge": 800, "longest_edge": 1333})
    tensors, images = {}, []
    for photograph in PHOTOGRAPHS:
        with Image.open(DATASETS / "sample" / "images" / f"{photograph}.jpg") as image:
            images.append(image.convert("RGB"))
        result = processor(images[-1], return_tensors="pt")["pixel_values"][0]
        tensors[photograph] = result[:, ::17, ::17].contiguous()
        tensors[f"{photograph}.size"] = torch.tensor(result.shape[1:])
    batch = processor(images, return_tensors="pt")
    tensors["batch.size"] = torch.tensor(batch["pixel_values"].shape[2:])
    tensors["batch.masked"] = batch["pixel_mask"].sum(dim=(1, 2))
    return tensors


def configured():
    """What the processors of `tests/fixtures/processors/NAME/preprocessor_config.json` make of all photographs in one
    batch: every 17th pixel, in rows and columns; the whole size, which is the last two numbers of `NAME.shape`; how many
    pixels of each photograph the mask sets, if there is one."""
    images = []
    for photograph in PHOTOGRAPHS:
        with Image.open(DATASETS / "sample" / "images" / f"{photograph}.jpg") as image:
            images.append(image.convert("RGB"))
    tensors = {}
    for folder in sorted((DATASETS / "tests" / "fixtures" / "processors").iterdir()):
        made = AutoImageProcessor.from_pretrained(folder)(images, return_tensors="pt")
        pixels = made["pixel_values"].float()
        tensors[folder.name] = pixels[:, :, ::17, ::17].contiguous()
        tensors[f"{folder.name}.shape"] = torch.tensor(pixels.shape)
        if "pixel_mask" in made:
            tensors[f"{folder.name}.masked"] = made["pixel_mask"].sum(dim=(1, 2))
    return tensors


def main():
    (DATASETS / "tests" / "golden" / "configured.safetensors").write_bytes(save(configured()))
    (DATASETS / "tests" / "golden" / "detr.safetensors").write_bytes(save(detr()))
    for name, make in {"resnet50": resnet50, "vit-b16": vit_b16, "swin-t": swin_t}.items():
        preprocess = make()
        tensors = {}
        for photograph in PHOTOGRAPHS:
            with Image.open(DATASETS / "sample" / "images" / f"{photograph}.jpg") as image:
                result = preprocess(image.convert("RGB"))
            assert result.shape == (3, 224, 224) and result.dtype == torch.float32
            tensors[photograph] = result[:, ::STRIDE, ::STRIDE].contiguous()
            tensors[f"{photograph}.mean"] = result.mean(dim=(1, 2))
            tensors[f"{photograph}.std"] = result.std(dim=(1, 2), correction=0)
        target = DATASETS / "tests" / "golden" / f"{name}.safetensors"
        target.write_bytes(save(tensors))


if __name__ == "__main__":
    main()
