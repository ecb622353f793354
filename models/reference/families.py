"""The reference models by id: one factory per family, one table entry per id."""

from dataclasses import dataclass
from typing import Callable

import torch
import torchvision
import transformers


@dataclass(frozen=True)
class Family:
    """How a model id is built and run.

    `defaults` are the published sizes under the generic override names; `make(config)` builds the module from them;
    `forward(model, inputs)` maps named inputs to named outputs; `example_inputs(config, batch, seq, image)` makes inputs
    of the right kind for tracing.
    """

    defaults: dict
    make: Callable
    forward: Callable
    example_inputs: Callable
    # Whether the first call of the module finds what later calls keep: operators are then those of the second one.
    warm_up: bool = False


def build(model_id, overrides, device="cpu"):
    """Builds a model in eval mode with random weights. Returns (family, full generic configuration, module)."""
    family = FAMILIES[model_id]
    unknown = sorted(set(overrides) - set(family.defaults))
    if unknown:
        raise ValueError(f"{model_id} has no setting {', '.join(unknown)}; it has {', '.join(family.defaults)}")
    config = {**family.defaults, **{key: parse_setting(value) for key, value in overrides.items()}}
    torch.manual_seed(0)
    with torch.device(device):
        model = family.make(config).eval()
    return family, config, model


def parse_setting(value):
    """Settings given on a command line are text: `2` is a number, `3,4,6,3` a list."""
    if not isinstance(value, str):
        return value
    try:
        numbers = [int(part) for part in value.split(",")]
    except ValueError:
        return value
    return numbers if len(numbers) > 1 else numbers[0]


def eager(model_class, hf_config):
    """A transformers model with decomposed attention."""
    hf_config._attn_implementation = "eager"
    return model_class(hf_config)


def forward_text(model, inputs, **extra):
    return {"logits": model(**inputs, **extra).logits}


def forward_causal(model, inputs):
    return forward_text(model, inputs, use_cache=False)


def forward_torchvision_classifier(model, inputs):
    return {"logits": model(inputs["pixel_values"])}


def example_tokens(config, batch, seq, image):
    generator = torch.Generator().manual_seed(1)
    return {"input_ids": torch.randint(0, config["vocab"], (batch, seq), generator=generator)}


def example_pixels(config, batch, seq, image):
    side = image or config["image"]
    generator = torch.Generator().manual_seed(1)
    return {"pixel_values": torch.randn(batch, config.get("channels", 3), side, side, generator=generator)}


def make_gpt2(c):
    return eager(transformers.GPT2LMHeadModel, transformers.GPT2Config(
        n_layer=c["layers"], n_embd=c["hidden"], n_head=c["heads"], n_inner=c["intermediate"], vocab_size=c["vocab"],
        n_positions=c["positions"], activation_function="gelu_new", layer_norm_epsilon=1e-5,
        bos_token_id=None, eos_token_id=None))


def make_bert(c):
    return eager(transformers.BertForMaskedLM, transformers.BertConfig(
        num_hidden_layers=c["layers"], hidden_size=c["hidden"], num_attention_heads=c["heads"],
        intermediate_size=c["intermediate"], vocab_size=c["vocab"], max_position_embeddings=c["positions"],
        type_vocab_size=c["types"], hidden_act="gelu", layer_norm_eps=1e-12))


def make_vit(c):
    return eager(transformers.ViTForImageClassification, transformers.ViTConfig(
        num_hidden_layers=c["layers"], hidden_size=c["hidden"], num_attention_heads=c["heads"],
        intermediate_size=c["intermediate"], image_size=c["image"], patch_size=c["patch"], num_channels=c["channels"],
        num_labels=c["labels"], hidden_act="gelu", layer_norm_eps=1e-12, qkv_bias=True))


def make_resnet(c):
    return torchvision.models.ResNet(
        torchvision.models.resnet.Bottleneck, c["layers"], num_classes=c["labels"])


def make_mobilenet_v2(c):
    """`layers` are the repetitions of the seven stages; everything else is as published."""
    published = [(1, 16, 1), (6, 24, 2), (6, 32, 2), (6, 64, 2), (6, 96, 1), (6, 160, 2), (6, 320, 1)]
    stages = [[t, channels, n, stride] for (t, channels, stride), n in zip(published, c["layers"], strict=True)]
    return torchvision.models.MobileNetV2(num_classes=c["labels"], inverted_residual_setting=stages)


DETECTOR_DEFAULTS = dict(
    layers=[3, 4, 6, 3], image=800, height=None, width=None, labels=91, channels=256, hidden=1024, min_size=800,
    max_size=1333, proposals=1000, detections=100)


def make_detector(head):
    """torchvision's detector with the published settings: frozen normalization whose epsilon is 0."""

    def make(c):
        from torchvision.models.detection import FasterRCNN, MaskRCNN, _utils, backbone_utils, faster_rcnn, mask_rcnn
        from torchvision.ops import misc

        body = torchvision.models.ResNet(
            torchvision.models.resnet.Bottleneck, c["layers"], norm_layer=misc.FrozenBatchNorm2d)
        backbone = backbone_utils.BackboneWithFPN(
            body, {f"layer{i + 1}": str(i) for i in range(4)}, [256, 512, 1024, 2048], c["channels"])
        width = c["channels"]
        options = dict(
            min_size=c["min_size"], max_size=c["max_size"], rpn_pre_nms_top_n_test=c["proposals"],
            rpn_post_nms_top_n_test=c["proposals"], box_detections_per_img=c["detections"],
            box_head=faster_rcnn.TwoMLPHead(width * 7 * 7, c["hidden"]),
            box_predictor=faster_rcnn.FastRCNNPredictor(c["hidden"], c["labels"]))
        if head == "mask":
            options |= dict(
                mask_head=mask_rcnn.MaskRCNNHeads(width, [width] * 4, 1),
                mask_predictor=mask_rcnn.MaskRCNNPredictor(width, width, c["labels"]))
        model = (MaskRCNN if head == "mask" else FasterRCNN)(backbone, num_classes=None, **options)
        _utils.overwrite_eps(model, 0.0)
        return model

    return make


def forward_detector(model, inputs):
    outputs = {}
    for i, result in enumerate(model(list(inputs["pixel_values"]))):
        outputs |= {f"{name}.{i}": tensor for name, tensor in result.items()}
    return outputs


def example_photographs(config, batch, seq, image):
    side = image or config["image"]
    generator = torch.Generator().manual_seed(1)
    return {"pixel_values": torch.rand(
        batch, 3, config["height"] or side, config["width"] or side, generator=generator)}


def make_detr(c):
    """`layers` are those of the residual network; `channels` are its sizes, one quarter of each stage's width."""
    backbone = transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=[256, 512, 1024, 2048], depths=c["layers"], layer_type="bottleneck",
        hidden_act="relu", out_features=["stage4"])
    return eager(transformers.DetrForObjectDetection, transformers.DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, num_queries=c["queries"], d_model=c["hidden"],
        encoder_layers=c["encoder_layers"], decoder_layers=c["decoder_layers"], encoder_attention_heads=c["heads"],
        decoder_attention_heads=c["heads"], encoder_ffn_dim=c["intermediate"], decoder_ffn_dim=c["intermediate"],
        num_labels=c["labels"], activation_function="relu", position_embedding_type="sine"))


def forward_detr(model, inputs):
    """The model and the post-processing of its image processor, which makes boxes of pixels."""
    from transformers import DetrImageProcessor

    # Position embeddings are kept from call to call; every call is to compute its own.
    embedding = model.model.position_embedding
    if hasattr(embedding.build_sine_position_embedding, "cache_clear"):
        embedding.build_sine_position_embedding.cache_clear()
    pixels, mask = inputs["pixel_values"], inputs["pixel_mask"]
    outputs = model(pixel_values=pixels, pixel_mask=mask)
    results = DetrImageProcessor().post_process_object_detection(
        outputs, threshold=0.5, target_sizes=inputs["target_sizes"])
    named = {"logits": outputs.logits, "pred_boxes": outputs.pred_boxes}
    for i, result in enumerate(results):
        named |= {f"{name}.{i}": tensor for name, tensor in result.items()}
    return named


def example_detr(config, batch, seq, image):
    inputs = example_pixels(config, batch, seq, image)
    _, _, height, width = inputs["pixel_values"].shape
    mask = torch.ones(batch, height, width, dtype=torch.int64)
    mask[:, height // 2:] = 0
    sizes = torch.tensor([[height // 2, width]] * batch, dtype=torch.int64)
    return inputs | {"pixel_mask": mask, "target_sizes": sizes}


def gpt2(layers, hidden, heads):
    """`intermediate` null means four times `hidden`, as in the published configurations."""
    return Family(
        dict(layers=layers, hidden=hidden, heads=heads, intermediate=None, vocab=50257, positions=1024),
        make_gpt2, forward_causal, example_tokens)


FAMILIES = {
    "gpt2": gpt2(12, 768, 12),
    "gpt2-large": gpt2(36, 1280, 20),
    "gpt2-xl": gpt2(48, 1600, 25),
    "bert": Family(
        dict(layers=12, hidden=768, heads=12, intermediate=3072, vocab=30522, positions=512, types=2),
        make_bert, forward_text, example_tokens),
    "vit-b16": Family(
        dict(layers=12, hidden=768, heads=12, intermediate=3072, image=224, patch=16, channels=3, labels=1000),
        make_vit, forward_text, example_pixels),
    "resnet50": Family(
        dict(layers=[3, 4, 6, 3], image=224, labels=1000),
        make_resnet, forward_torchvision_classifier, example_pixels),
    "mobilenet-v2": Family(
        dict(layers=[1, 2, 3, 4, 3, 3, 1], image=224, labels=1000),
        make_mobilenet_v2, forward_torchvision_classifier, example_pixels),
    "faster-rcnn": Family(
        DETECTOR_DEFAULTS, make_detector("box"), forward_detector, example_photographs, warm_up=True),
    "detr": Family(
        dict(layers=[3, 4, 6, 3], image=800, hidden=256, heads=8, intermediate=2048, encoder_layers=6, decoder_layers=6,
             queries=100, labels=91),
        make_detr, forward_detr, example_detr),
    "mask-rcnn": Family(
        DETECTOR_DEFAULTS, make_detector("mask"), forward_detector, example_photographs, warm_up=True),
}
