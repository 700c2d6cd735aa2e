"""The words of a training run: which name a set, which a quantity, and what people call them in other languages.

Why separate: who reads lines, tables and accuracies, and who looks at a plot's code, must agree on the words.
Texts are the student's: every pattern's work is linear in them.
"""

from __future__ import annotations

import re

TRAIN, VALIDATION, TEST = "train", "validation", "test"

SETS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), TRAIN),
    **dict.fromkeys(("validation", "valid", "validate", "val", "vld", "va", "dev", "eval"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "te"), TEST),
}
QUANTITIES = {
    **dict.fromkeys(("loss", "losses", "nll", "cost", "entropy", "xent"), "loss"),
    **dict.fromkeys(("accuracy", "accuracies", "acc", "correct"), "accuracy"),
    **dict.fromkeys(("epoch", "epochs", "ep"), "epoch"),
    **dict.fromkeys(
        "step steps iter iteration batch lr rate time sec seconds took elapsed size ppl perplexity bleu precision"
        " recall f1 error err".split(),
        "other",
    ),
}
LOSS, ACCURACY, EPOCH = (
    frozenset(word for word, quantity in QUANTITIES.items() if quantity == name)
    for name in ("loss", "accuracy", "epoch")
)

# Stems by the English word: Spanish, Portuguese, French, Italian, German, Chinese, Japanese, Korean, Russian.
_OTHERS = {
    "train": "entrenamiento entren treinamento treino entra[iî]nement apprentissage addestramento trainings? 训练集? "
    "訓練集? 学習 トレーニング 훈련 학습 обучени[еия]",
    "validation": "validaci[oó]n valida[cç][aã]o validierungs? validazione 验证集? 驗證集? 検証 検定 검증 "
    "валидаци[ияю]",
    "test": "prueba teste testes 测试集? 測試集? テスト 테스트 시험 тест(?:ов(?:ый|ая|ое|ой))?",
    "loss": "p[eé]rdidas? perdas? pertes? perdit[ae] verluste?s? 损失 損失 ロス 손실 потер[ия]",
    "accuracy": "exactitud precisi[oó]n acur[aá]cia exactitude pr[eé]cision accuratezza genauigkeit "
    "(?:准确|正确|準確|正確|正解)率? 精度 정확도 точность",
    "epoch": "[eé]pocas? [eé]poques? epoche[ns]? epoca 轮 輪 回合 エポック 에포크 эпох[аи]",
}
_FOREIGN = tuple(
    (
        re.compile(
            rf"(?<![A-Za-z])(?:{'|'.join(sorted(stems.split(), key=len, reverse=True))})(?![a-z])", re.IGNORECASE
        ),
        word,
    )
    for word, stems in _OTHERS.items()
)
_NTH = re.compile(
    r"第\s{0,3}(\d{1,4})\s{0,3}(?:轮|輪|回合|エポック|個?\s?epoch)"
)  # 第3轮: the number stands inside the word
_GERMAN = re.compile(r"(trainings?|validierungs?|test)(verlust|genauigkeit)", re.IGNORECASE)  # words in one
_PERCENT = re.compile(r"\s?(?:\\,)?\\%|\s(?:percent|per cent|prozent|por ciento|pour cent)\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d,.\[(])([1-9]\d{0,2}),(\d{3})(?![\d,.])")  # 9,713 images; in a list a comma divides
_POINT = re.compile(r"\d\.\d")
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])(\d{1,3}),(\d{1,8})(?![\d,])")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def english(line: str) -> str:
    """The line with the words of a training run in English and points in decimals; others come back as they are."""
    line = _PERCENT.sub("%", line.replace("$", "").replace("**", ""))
    if "," in line:
        line = _THOUSANDS.sub(r"\1\2", line)
        line = line if _POINT.search(line) else _DECIMAL_COMMA.sub(r"\1.\2", line)
    if line.isascii() and not _ROMANCE.search(line):
        return line
    line = _GERMAN.sub(r"\1 \2", _NTH.sub(r" epoch \1 ", line))
    for pattern, word in _FOREIGN:
        line = pattern.sub(f" {word} ", line)
    return line


# Those that are written without a sign of their own.
_ROMANCE = re.compile(
    r"entren|treino|treinamento|addestramento|apprentissage|trainings?verlust|verlust|validierung|validazione|prueba|teste|perdida"
    r"|perdas?\b|pertes?\b|perdit|genauigkeit|exactitud|accuratezza|precision\b|\bepocas?\b|\bepoques?\b|\bepochen?\b",
    re.IGNORECASE,
)


def words(text: str) -> set[str]:
    """The words of a text in lower case, each part of trainLoss and train_loss for itself."""
    return {word.lower() for word in _WORD.findall(english(text))}


def sets(text: str) -> set[str]:
    """Which sets a text names."""
    return {SETS[word] for word in words(text) if word in SETS}
