"""Run in the environment of transformers: tiny pipelines over pictures, sounds and texts, with random weights.

Writes ``NAME.zip`` into a folder for each, and ``cases.json``: what to ask each of them and what it answers by itself.
Nothing is downloaded: vocabularies are a few words, weights are drawn.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sentencepiece
import torch
import transformers as t
from PIL import Image

LABELS = {"id2label": dict(enumerate(["cat", "dog", "bird"])), "label2id": {"cat": 0, "dog": 1, "bird": 2}}
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
BOTH_WAYS = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
}
VIEW = {"image_size": 32, "patch_size": 8}
SQUARE = {"height": 32, "width": 32}
RATE = 8000
CHANCE = np.random.default_rng(7)
PICTURES = CHANCE.integers(0, 256, size=(2, 40, 48, 3), dtype=np.uint8)
SOUNDS = CHANCE.normal(size=(2, RATE // 4)).astype(np.float32)


class Maker:
    """Writes pipelines into a folder, and keeps what they answer."""

    def __init__(self, folder, examples):
        sys.path.insert(0, examples)
        self._zipped = __import__("example").zipped
        self._words = __import__("train_hugging_face").tokenizer
        self._folder, self.cases = folder, {}

    def words(self):
        """The tokenizer of the examples: some words about wine and bread."""
        with TemporaryDirectory() as place:
            return self._words(Path(place))

    def write(self, name, task, asked, rows, **parts):
        """``asked`` are the calls of the pipeline itself, for which the loader gets ``rows``."""
        lively(parts["model"])
        with TemporaryDirectory() as place:
            t.pipeline(task, device="cpu", **parts).save_pretrained(place)
            pipeline = t.pipeline(task, device="cpu", model=place)
            self._zipped(self._folder / f"{name}.zip", Path(place))
        answers = [pipeline(*args, **more) for args, more in asked]
        self.cases[name] = {"task": task, "rows": rows, "answers": [plain(answer) for answer in answers]}


def lively(network):
    """Weights so large that what is asked makes a difference."""
    torch.manual_seed(7)
    for weights in network.parameters():
        if weights.dim() > 1:
            torch.nn.init.normal_(weights, std=0.4)
    network.eval()


def plain(answer):
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(value) for value in answer]
    if isinstance(answer, Image.Image):
        return np.asarray(answer).tolist()
    return answer.tolist() if isinstance(answer, np.generic) else answer


def of_pictures(**more):
    """What a pipeline itself is asked, and what its model here is: two pictures with these arguments."""
    asked = [((Image.fromarray(pixels),), more) for pixels in PICTURES]
    return asked, {"inputs": PICTURES.tolist(), **{name: [value] * 2 for name, value in more.items()}}


def of_sounds(**more):
    asked = [((samples,), more) for samples in SOUNDS]
    return asked, {"inputs": SOUNDS.tolist(), **{name: [value] * 2 for name, value in more.items()}}


def of_texts(*texts, **more):
    asked = [((text,), more) for text in texts]
    return asked, {"inputs": list(texts), **{name: [value] * len(texts) for name, value in more.items()}}


def classes_of_pictures(maker):
    network = t.ViTForImageClassification(t.ViTConfig(**SMALL, **VIEW, **LABELS))
    view = t.ViTImageProcessor(size=SQUARE)
    maker.write("image-classification", "image-classification", *of_pictures(), model=network, image_processor=view)


def things_in_pictures(maker):
    config = t.YolosConfig(**SMALL, **LABELS, image_size=[32, 32], patch_size=8, num_detection_tokens=5)
    view = t.YolosImageProcessor(size={"shortest_edge": 32, "longest_edge": 48})
    network = t.YolosForObjectDetection(config)
    asked = of_pictures(threshold=0.3)
    maker.write("object-detection", "object-detection", *asked, model=network, image_processor=view)


def areas_of_pictures(maker):
    config = t.SegformerConfig(
        depths=[1] * 4, hidden_sizes=[8] * 4, decoder_hidden_size=8, num_attention_heads=[1] * 4, **LABELS
    )
    network, view = t.SegformerForSemanticSegmentation(config), t.SegformerImageProcessor(size=SQUARE)
    maker.write("image-segmentation", "image-segmentation", *of_pictures(), model=network, image_processor=view)


def instances_in_pictures(maker):
    """Mask2Former's older sibling: with scores, and with scipy."""
    config = t.MaskFormerConfig(
        fpn_feature_size=32,
        mask_feature_size=32,
        backbone_config=t.ResNetConfig(
            embedding_size=8,
            hidden_sizes=[8] * 4,
            depths=[1] * 4,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        decoder_config=t.DetrConfig(
            d_model=16, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=16, num_queries=5
        ),
        **LABELS,
    )
    network = t.MaskFormerForInstanceSegmentation(config)
    view = t.MaskFormerImageProcessor(size={"height": 64, "width": 64}, size_divisor=32)
    asked = of_pictures(threshold=0.2, subtask="panoptic")
    maker.write("panoptic-segmentation", "image-segmentation", *asked, model=network, image_processor=view)


def words_for_pictures(maker):
    words = maker.words()
    seen = t.ViTConfig(**SMALL, **VIEW)
    said = t.BertConfig(**SMALL, vocab_size=len(words), is_decoder=True, add_cross_attention=True)
    config = t.VisionEncoderDecoderConfig.from_encoder_decoder_configs(seen, said)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 2, 0, 3
    network, view = t.VisionEncoderDecoderModel(config), t.ViTImageProcessor(size=SQUARE)
    asked = of_pictures(max_new_tokens=6)
    maker.write("image-to-text", "image-to-text", *asked, model=network, image_processor=view, tokenizer=words)


def byte_pairs(folder, kind, ends="</w>", **special):
    """A tokenizer by letters, as CLIP has them."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*letters, *(letter + ends for letter in letters)] if ends else [*letters]
    known = [*pieces, "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(known)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return kind(str(folder / "vocab.json"), str(folder / "merges.txt"), **special)


def clip_parts(maker_words):
    text = {**SMALL, "vocab_size": len(maker_words), "max_position_embeddings": 32}
    ends = maker_words.eos_token_id
    text |= {"bos_token_id": maker_words.bos_token_id, "eos_token_id": ends, "pad_token_id": ends}
    return {"text_config": text, "vision_config": {**SMALL, **VIEW}, "projection_dim": 16}


def labels_for_pictures(maker):
    with TemporaryDirectory() as place:
        words = byte_pairs(Path(place), t.CLIPTokenizerFast)
    network = t.CLIPModel(t.CLIPConfig(**clip_parts(words)))
    view = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SQUARE)
    asked = of_pictures(candidate_labels=["a cat", "two dogs", "wine"])
    task = "zero-shot-image-classification"
    maker.write(task, task, *asked, model=network, image_processor=view, tokenizer=words)


def labelled_things_in_pictures(maker):
    with TemporaryDirectory() as place:
        words = byte_pairs(Path(place), t.CLIPTokenizerFast, pad_token="<|endoftext|>", model_max_length=16)
    network = t.OwlViTForObjectDetection(t.OwlViTConfig(**clip_parts(words)))
    view = t.OwlViTImageProcessor(size=SQUARE, crop_size=SQUARE)
    asked, rows = of_pictures(candidate_labels=["a cat", "dogs"], threshold=0.5)
    task = "zero-shot-object-detection"
    maker.write(task, task, asked, rows, model=network, image_processor=view, tokenizer=words)


def heard(**more):
    return t.Wav2Vec2Config(
        **SMALL,
        conv_dim=(8, 8),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        **more,
    )


def classes_of_sounds(maker):
    network = t.Wav2Vec2ForSequenceClassification(heard(**LABELS, classifier_proj_size=8))
    ear = t.Wav2Vec2FeatureExtractor(sampling_rate=RATE)
    asked = of_sounds(top_k=2)
    maker.write("audio-classification", "audio-classification", *asked, model=network, feature_extractor=ear)


def letters_of_speech(maker):
    with TemporaryDirectory() as place:
        known = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAOIN"]
        path = Path(place) / "vocab.json"
        path.write_text(json.dumps({token: number for number, token in enumerate(known)}))
        words = t.Wav2Vec2CTCTokenizer(str(path))
        network = t.Wav2Vec2ForCTC(heard(vocab_size=len(known), pad_token_id=0))
        ear, asked = t.Wav2Vec2FeatureExtractor(sampling_rate=RATE), of_sounds()
        task = "automatic-speech-recognition"
        maker.write(task, task, *asked, model=network, feature_extractor=ear, tokenizer=words)
        asked = of_sounds(return_timestamps="word")
        maker.write("words-of-speech", task, *asked, model=network, feature_extractor=ear, tokenizer=words)


def texts_of_speech(maker):
    """As Whisper has it, which hears whole seconds and says texts and their times."""
    ear = t.WhisperFeatureExtractor(feature_size=8, sampling_rate=RATE, chunk_length=1, n_fft=200, hop_length=80)
    marks = ["<|startoftranscript|>", "<|notimestamps|>", *(f"<|{step / 50:.2f}|>" for step in range(51))]
    with TemporaryDirectory() as place:
        words = byte_pairs(Path(place), t.WhisperTokenizerFast, ends="", unk_token="<|endoftext|>")
    words.add_special_tokens({"additional_special_tokens": marks})
    start, silent = words.convert_tokens_to_ids(marks[:2])
    config = t.WhisperConfig(
        vocab_size=len(words),
        num_mel_bins=8,
        **BOTH_WAYS,
        max_source_positions=50,
        max_target_positions=32,
        **{f"{name}_token_id": words.eos_token_id for name in ("pad", "bos", "eos")},
        decoder_start_token_id=start,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    network = t.WhisperForConditionalGeneration(config)
    network.generation_config.no_timestamps_token_id = silent
    network.generation_config.is_multilingual = False
    network.generation_config.max_length = 12
    network.generation_config.suppress_tokens = words.convert_tokens_to_ids(["<|endoftext|>", *marks])
    task, asked = "automatic-speech-recognition", of_sounds()
    maker.write("whisper", task, *asked, model=network, feature_extractor=ear, tokenizer=words)


def short_texts(maker):
    words = maker.words()
    network = t.BartForConditionalGeneration(
        t.BartConfig(
            **BOTH_WAYS,
            vocab_size=len(words),
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
            decoder_start_token_id=2,
            forced_eos_token_id=3,
            max_length=12,
        )
    )
    asked = of_texts("the wine is very good", "a stale bread")
    maker.write("summarization", "summarization", *asked, model=network, tokenizer=words)


def other_texts(maker):
    """As Marian has it, whose tokenizers are made with sentencepiece."""
    texts = ["the wine is very good", "a stale bread"]
    with TemporaryDirectory() as place:
        pieces = f"{place}/pieces"
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_prefix=pieces, vocab_size=20, minloglevel=2
        )
        known = sentencepiece.SentencePieceProcessor(model_file=f"{pieces}.model")
        numbers = {known.id_to_piece(number): number for number in range(len(known))} | {"<pad>": len(known)}
        Path(place, "vocab.json").write_text(json.dumps(numbers))
        words = t.MarianTokenizer(f"{pieces}.model", f"{pieces}.model", f"{place}/vocab.json")
        config = t.MarianConfig(
            **BOTH_WAYS,
            vocab_size=len(numbers),
            pad_token_id=len(known),
            eos_token_id=2,
            decoder_start_token_id=len(known),
            forced_eos_token_id=2,
            max_length=12,
        )
        maker.write("translation", "translation", *of_texts(*texts), model=t.MarianMTModel(config), tokenizer=words)


def masked_words(maker):
    words = maker.words()
    network = t.BertForMaskedLM(t.BertConfig(**SMALL, vocab_size=len(words), max_position_embeddings=32))
    asked = of_texts("the [MASK] is good", "[MASK] bread was stale", top_k=2)
    maker.write("fill-mask", "fill-mask", *asked, model=network, tokenizer=words)


def kinds_of_words(maker):
    words = maker.words()
    network = t.BertForTokenClassification(t.BertConfig(**SMALL, **LABELS, vocab_size=len(words)))
    asked = of_texts("the wine is good", "stale bread")
    maker.write("token-classification", "token-classification", *asked, model=network, tokenizer=words)


def opinions(maker):
    words = maker.words()
    network = t.BertForSequenceClassification(t.BertConfig(**SMALL, **LABELS, vocab_size=len(words)))
    asked = of_texts("the wine is good", "stale bread")
    maker.write("sentiment-analysis", "sentiment-analysis", *asked, model=network, tokenizer=words)


def continued_texts(maker):
    words = maker.words()
    network = t.GPT2LMHeadModel(
        t.GPT2Config(
            vocab_size=len(words), n_positions=512, n_embd=16, n_layer=1, n_head=2, bos_token_id=2, eos_token_id=3
        )
    )
    asked = of_texts("the wine is", "a very", max_new_tokens=5, do_sample=False)
    maker.write("text-generation", "text-generation", *asked, model=network, tokenizer=words)


MADE = [
    classes_of_pictures,
    things_in_pictures,
    areas_of_pictures,
    instances_in_pictures,
    words_for_pictures,
    labels_for_pictures,
    labelled_things_in_pictures,
    classes_of_sounds,
    letters_of_speech,
    texts_of_speech,
    short_texts,
    other_texts,
    masked_words,
    kinds_of_words,
    opinions,
    continued_texts,
]


def main(folder, examples):
    torch.set_num_threads(1)  # more would wait for one another longer than they work
    maker = Maker(Path(folder), examples)
    for make in MADE:
        make(maker)
    (Path(folder) / "cases.json").write_text(json.dumps(maker.cases))


if __name__ == "__main__":
    main(*sys.argv[1:])
