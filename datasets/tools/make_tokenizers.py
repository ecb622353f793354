"""Makes the tokenizers of the tests and what the reference makes of texts with them.

Small vocabularies are trained on the sample texts in the three published forms: GPT-2's (`vocab.json` and
`merges.txt`), BERT's (`vocab.txt`) and Llama's (`tokenizer.json`). `rows.json` holds the rows that
transformers' own classes make of odd texts, cut off and padded.

    python datasets/tools/make_tokenizers.py        # needs transformers
"""

import json
import pathlib

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizer, GPT2Tokenizer, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent.parent
OUT = HERE / "tests" / "fixtures" / "tokenizers"
TEXTS = [path.read_text() for path in sorted((HERE / "sample" / "text").glob("*.txt"))]
ODD = [
    "The Caterpillar and Alice looked at each other for some time in silence.",
    " = Robert <unk> Boulter = ",
    "Käse, naïve café — “quotes” … 日本語 🦀 isn't 12,345.67",
    "tabs\tand  two spaces\nand a line",
    "x",
    "antidisestablishmentarianism " * 6,
]
LENGTHS = [4, 24]


def gpt2(folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.model.save(str(folder))
    reference = GPT2Tokenizer.from_pretrained(folder)
    reference.pad_token = reference.eos_token
    return reference


def bert(folder):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(
        vocab_size=500, special_tokens=special, show_progress=False))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(token + "\n" for token, _ in vocabulary))
    return BertTokenizer.from_pretrained(folder)


def llama(folder):
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, show_progress=False, max_token_length=12))
    model = json.loads(tokenizer.to_str())["model"]
    tokenizer = Tokenizer(models.BPE(
        model["vocab"], [tuple(pair) for pair in model["merges"]], byte_fallback=True, fuse_unk=True,
        unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    reference = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    reference.save_pretrained(folder)
    reference.pad_token = reference.eos_token
    return reference


def main():
    rows = []
    for family in [gpt2, bert, llama]:
        folder = OUT / family.__name__
        folder.mkdir(parents=True, exist_ok=True)
        reference = family(folder)
        reference.padding_side = "right"
        for length in LENGTHS:
            made = reference(ODD, padding="max_length", truncation=True, max_length=length)
            rows.append({
                "family": family.__name__,
                "length": length,
                "ids": made["input_ids"],
                "mask": made["attention_mask"],
            })
    (OUT / "rows.json").write_text(json.dumps({"texts": ODD, "rows": rows}, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
