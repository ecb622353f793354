#!/usr/bin/env python3
"""Sentence embeddings by the reference, from a published checkpoint and its own tokenizer.

    embedding.py FOLDER LENGTH OUT.safetensors < TEXTS

TEXTS is a JSON list. They are one batch, cut off and padded to LENGTH tokens. OUT gets the inputs of the model by name, and
`sentence_embedding`: transformers' `BertModel` and `BertTokenizer`, mean pooling and normalisation.
"""

import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers

from checkpoint import save_tensors
from families import MeanPooling, UnitLength


def main():
    folder, length, out = sys.argv[1:]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(
        json.load(sys.stdin), padding="max_length", truncation=True, max_length=int(length), return_tensors="pt")
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        tokens = model(**inputs).last_hidden_state
        embedding = UnitLength()(MeanPooling()(tokens, inputs["attention_mask"]))
    save_tensors({**inputs, "sentence_embedding": embedding}, out)


if __name__ == "__main__":
    main()
