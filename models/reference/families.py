"""The reference models by id: one factory per family, one table entry per id."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Callable

import torch
import torchvision
import transformers
from transformers.initialization import no_init_weights
from transformers.models.detr import modeling_detr
from transformers.models.maskformer import modeling_maskformer


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


def build(model_id, overrides, device="cpu", dtype=torch.float32, initialize=True):
    """Builds a model in eval mode. Returns (family, full generic configuration, module).

    Weights are random, or undefined without `initialize`, which takes minutes for the largest models.
    """
    family = FAMILIES[model_id]
    unknown = sorted(set(overrides) - set(family.defaults))
    if unknown:
        raise ValueError(f"{model_id} has no setting {', '.join(unknown)}; it has {', '.join(family.defaults)}")
    config = {**family.defaults, **{key: parse_setting(value) for key, value in overrides.items()}}
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device), nullcontext() if initialize else no_init_weights():
            model = family.make(config).eval()
            if not initialize and isinstance(model, transformers.PreTrainedModel):
                model.tie_weights()
    finally:
        torch.set_default_dtype(torch.float32)
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


def forward_segments(model, inputs):
    outputs = model(**inputs)
    named = {"class_queries_logits": outputs.class_queries_logits, "masks_queries_logits": outputs.masks_queries_logits}
    if model.postprocess == "semantic":
        batch, _, *size = inputs["pixel_values"].shape
        processor = transformers.MaskFormerImageProcessor()
        named["segmentation"] = torch.stack(processor.post_process_semantic_segmentation(outputs, target_sizes=[size] * batch))
    return named


def forward_torchvision_classifier(model, inputs):
    return {"logits": model(inputs["pixel_values"])}


def example_tokens(config, batch, seq, image):
    generator = torch.Generator().manual_seed(1)
    inputs = {"input_ids": torch.randint(0, config["vocab"], (batch, seq), generator=generator)}
    if config.get("padding", "none") == "masked":
        mask = torch.ones(batch, seq, dtype=torch.long)
        mask[-1, (seq + 1) // 2:] = 0
        inputs["attention_mask"] = mask
    return inputs


def example_pixels(config, batch, seq, image):
    side = image or config["image"]
    generator = torch.Generator().manual_seed(1)
    return {"pixel_values": torch.randn(batch, config.get("channels", 3), side, side, generator=generator)}


def make_gpt2(c):
    return eager(transformers.GPT2LMHeadModel, transformers.GPT2Config(
        n_layer=c["layers"], n_embd=c["hidden"], n_head=c["heads"], n_inner=c["intermediate"], vocab_size=c["vocab"],
        n_positions=c["positions"], activation_function="gelu_new", layer_norm_epsilon=1e-5,
        bos_token_id=None, eos_token_id=None))


def bert_config(c):
    return transformers.BertConfig(
        num_hidden_layers=c["layers"], hidden_size=c["hidden"], num_attention_heads=c["heads"],
        intermediate_size=c["intermediate"], vocab_size=c["vocab"], max_position_embeddings=c["positions"],
        type_vocab_size=c["types"], hidden_act="gelu", layer_norm_eps=1e-12)


def make_bert(c):
    return eager(transformers.BertForMaskedLM, bert_config(c))


class MeanPooling(torch.nn.Module):
    """The mean of each row's tokens, as sentence-transformers' `Pooling` computes it in its mode `mean`."""

    def forward(self, tokens, mask):
        weights = mask.unsqueeze(-1).expand(tokens.size()).to(tokens.dtype)
        sums, counts = torch.sum(tokens * weights, 1), weights.sum(1)
        return torch.cat([sums / torch.clamp(counts, min=1e-9)], 1)


class UnitLength(torch.nn.Module):
    """sentence-transformers' `Normalize`."""

    def forward(self, embeddings):
        return torch.nn.functional.normalize(embeddings, p=2, dim=1)


class SentenceBert(transformers.BertModel):
    """A BERT encoder with the modules that sentence-transformers puts behind it; none of them has weights."""

    def __init__(self, config):
        super().__init__(config)
        self.pooling, self.normalize = MeanPooling(), UnitLength()

    def forward(self, input_ids, token_type_ids, attention_mask):
        outputs = super().forward(input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        return self.normalize(self.pooling(outputs.last_hidden_state, attention_mask))


def make_sentence_bert(c):
    return eager(SentenceBert, bert_config(c))


def forward_sentences(model, inputs):
    return {"sentence_embedding": model(**inputs)}


def example_sentences(config, batch, seq, image):
    inputs = example_tokens(config | {"padding": "masked"}, batch, seq, image)
    return inputs | {"token_type_ids": torch.zeros_like(inputs["input_ids"])}


def make_vit(c):
    return eager(transformers.ViTForImageClassification, transformers.ViTConfig(
        num_hidden_layers=c["layers"], hidden_size=c["hidden"], num_attention_heads=c["heads"],
        intermediate_size=c["intermediate"], image_size=c["image"], patch_size=c["patch"], num_channels=c["channels"],
        num_labels=c["labels"], hidden_act="gelu", layer_norm_eps=1e-12, qkv_bias=True))


def make_swin(c):
    return eager(transformers.SwinForImageClassification, transformers.SwinConfig(
        depths=c["layers"], num_heads=c["heads"], embed_dim=c["hidden"], window_size=c["window"], image_size=c["image"],
        patch_size=c["patch"], num_channels=c["channels"], num_labels=c["labels"], mlp_ratio=c["mlp_ratio"],
        hidden_act="gelu", layer_norm_eps=1e-5, qkv_bias=True))


def make_segformer(c):
    """Patches, strides and reductions of the four stages are as published."""
    return eager(transformers.SegformerForSemanticSegmentation, transformers.SegformerConfig(
        depths=c["layers"], hidden_sizes=c["hidden"], num_attention_heads=c["heads"], decoder_hidden_size=c["decoder"],
        num_channels=c["channels"], num_labels=c["labels"], patch_sizes=[7, 3, 3, 3], strides=[4, 2, 2, 2],
        sr_ratios=[8, 4, 2, 1], mlp_ratios=[c["mlp_ratio"]] * 4, hidden_act="gelu"))


def compute_positions(embedding):
    """Position embeddings are kept from call to call for inputs of one size. Here every call computes them, as the first
    one does."""
    build = embedding.build_sine_position_embedding
    embedding.build_sine_position_embedding = staticmethod(getattr(build, "__wrapped__", build))


class NoLoss(torch.nn.Module):
    """In place of MaskFormer's loss, which needs a library of its own and which no inference reads."""

    def __init__(self, num_labels=0, eos_coef=0.1, **kwargs):
        super().__init__()
        self.num_labels, self.eos_coef = num_labels, eos_coef
        self.register_buffer("empty_weight", torch.ones(num_labels + 1))


def make_maskformer(c):
    """The feature pyramid, the masks and the decoder are all `decoder` wide."""
    backbone = transformers.SwinConfig(
        depths=c["layers"], num_heads=c["heads"], embed_dim=c["hidden"], window_size=c["window"], image_size=c["image"],
        patch_size=c["patch"], num_channels=c["channels"], mlp_ratio=float(c["mlp_ratio"]), hidden_act="gelu", qkv_bias=True,
        layer_norm_eps=1e-5, out_features=["stage1", "stage2", "stage3", "stage4"])
    decoder = transformers.DetrConfig(
        decoder_layers=c["decoder_layers"], decoder_ffn_dim=c["intermediate"], decoder_attention_heads=c["decoder_heads"],
        d_model=c["decoder"], num_queries=c["queries"], activation_function="relu", dropout=0.1)
    modeling_maskformer.MaskFormerLoss = NoLoss
    compute_positions(modeling_maskformer.MaskFormerSinePositionEmbedding)
    model = eager(transformers.MaskFormerForInstanceSegmentation, transformers.MaskFormerConfig(
        backbone_config=backbone, decoder_config=decoder, fpn_feature_size=c["decoder"], mask_feature_size=c["decoder"],
        use_auxiliary_loss=False, num_labels=c["labels"]))
    model.postprocess = c["postprocess"]
    return model


def rotary_decoder(c, **more):
    """What the configurations of models with rotary positions have in common."""
    return dict(
        num_hidden_layers=c["layers"], hidden_size=c["hidden"], num_attention_heads=c["heads"],
        num_key_value_heads=c["kv_heads"], intermediate_size=c["intermediate"], vocab_size=c["vocab"],
        max_position_embeddings=c["positions"], rms_norm_eps=c["eps"], hidden_act="silu",
        rope_parameters={"rope_type": "default", "rope_theta": c["rope_theta"]},
        bos_token_id=None, eos_token_id=None, pad_token_id=None, **more)


def make_llama(c):
    return eager(transformers.LlamaForCausalLM, transformers.LlamaConfig(**rotary_decoder(c)))


def make_qwen2(c):
    return eager(transformers.Qwen2ForCausalLM, transformers.Qwen2Config(
        **rotary_decoder(c, tie_word_embeddings=True, use_sliding_window=False)))


def make_mixtral(c):
    config = transformers.MixtralConfig(**rotary_decoder(
        c, num_local_experts=c["experts"], num_experts_per_tok=c["experts_per_token"], sliding_window=None))
    config._experts_implementation = "eager"
    return eager(transformers.MixtralForCausalLM, config)


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
    compute_positions(modeling_detr.DetrSinePositionEmbedding)
    return eager(transformers.DetrForObjectDetection, transformers.DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, num_queries=c["queries"], d_model=c["hidden"],
        encoder_layers=c["encoder_layers"], decoder_layers=c["decoder_layers"], encoder_attention_heads=c["heads"],
        decoder_attention_heads=c["heads"], encoder_ffn_dim=c["intermediate"], decoder_ffn_dim=c["intermediate"],
        num_labels=c["labels"], activation_function="relu", position_embedding_type="sine"))


def forward_detr(model, inputs):
    """The model and the post-processing of its image processor, which makes boxes of pixels."""
    from transformers import DetrImageProcessor

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
        dict(layers=layers, hidden=hidden, heads=heads, intermediate=None, vocab=50257, positions=1024, padding="none"),
        make_gpt2, forward_causal, example_tokens)


def vit(layers, hidden, heads, intermediate, patch):
    return Family(
        dict(layers=layers, hidden=hidden, heads=heads, intermediate=intermediate, image=224, patch=patch, channels=3,
             labels=1000),
        make_vit, forward_text, example_pixels)


def swin(layers, hidden, heads):
    return Family(
        dict(layers=layers, hidden=hidden, heads=heads, window=7, image=224, patch=4, channels=3, labels=1000,
             mlp_ratio=4),
        make_swin, forward_text, example_pixels)


def rotary(make, layers, hidden, heads, kv_heads, intermediate, vocab, positions, rope_theta, eps=1e-5, **more):
    return Family(
        dict(layers=layers, hidden=hidden, heads=heads, kv_heads=kv_heads, intermediate=intermediate, vocab=vocab,
             positions=positions, rope_theta=rope_theta, eps=eps, padding="none", **more),
        make, forward_causal, example_tokens)


FAMILIES = {
    "gpt2": gpt2(12, 768, 12),
    "gpt2-large": gpt2(36, 1280, 20),
    "gpt2-xl": gpt2(48, 1600, 25),
    "bert": Family(
        dict(layers=12, hidden=768, heads=12, intermediate=3072, vocab=30522, positions=512, types=2,
             padding="none"),
        make_bert, forward_text, example_tokens),
    "all-minilm-l6-v2": Family(
        dict(layers=6, hidden=384, heads=12, intermediate=1536, vocab=30522, positions=512, types=2),
        make_sentence_bert, forward_sentences, example_sentences),
    "vit-b16": vit(12, 768, 12, 3072, 16),
    "vit-l16": vit(24, 1024, 16, 4096, 16),
    "vit-h14": vit(32, 1280, 16, 5120, 14),
    "swin-t": swin([2, 2, 6, 2], 96, [3, 6, 12, 24]),
    "swin-s": swin([2, 2, 18, 2], 96, [3, 6, 12, 24]),
    "swin-b": swin([2, 2, 18, 2], 128, [4, 8, 16, 32]),
    "segformer-b0": Family(
        dict(layers=[2, 2, 2, 2], hidden=[32, 64, 160, 256], heads=[1, 2, 5, 8], decoder=256, image=512, channels=3,
             labels=150, mlp_ratio=4),
        make_segformer, forward_text, example_pixels),
    "maskformer": Family(
        dict(layers=[2, 2, 18, 2], hidden=128, heads=[4, 8, 16, 32], window=12, image=800, patch=4, channels=3,
             labels=133, mlp_ratio=4, decoder=256, decoder_layers=6, decoder_heads=8, intermediate=2048, queries=100,
             postprocess="none"),
        make_maskformer, forward_segments, example_pixels),
    "llama2-7b": rotary(make_llama, 32, 4096, 32, 32, 11008, 32000, 4096, 10000),
    "llama3-8b": rotary(make_llama, 32, 4096, 32, 8, 14336, 128256, 8192, 500000),
    "qwen2.5-0.5b": rotary(make_qwen2, 24, 896, 14, 2, 4864, 151936, 32768, 1000000, eps=1e-6),
    "mixtral-8x7b": rotary(
        make_mixtral, 32, 4096, 32, 8, 14336, 32000, 32768, 1000000, experts=8, experts_per_token=2),
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
