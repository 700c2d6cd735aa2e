"""The words of a training run: which name a set, which a quantity, and what people call them in other languages.

Why separate: who reads lines, tables and accuracies, and who looks at a plot's code, must agree on the words.
Texts are the student's: every pattern's work is linear in them.
"""

from __future__ import annotations

import functools
import re

TRAIN, VALIDATION, TEST = "train", "validation", "test"

SETS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), TRAIN),
    **dict.fromkeys(
        ("validation", "valid", "validate", "validating", "val", "vld", "vl", "va", "dev", "eval"), VALIDATION
    ),
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

# Stems by the English word: Spanish, Portuguese, French, Italian, German; Dutch, Polish, Czech, Swedish, Turkish,
# Vietnamese, Indonesian; Chinese, Japanese, Korean, Russian, Ukrainian, Hindi, Arabic, Persian, Hebrew, Greek.
_OTHERS = {
    "train": r"entrenamiento entren treinamento treino entra[iî]nement apprentissage addestramento trainings? "
    r"tren(?:ing\w*|\b) uczeni[ae] uczącym tr[eé]nink\w* tr[eé]novac\w* träning\w* e[gğ]itim\w* hu[aấ]n[\s_]?luy[eệ]n "
    r"pelatihan latih 训练集? 訓練集? 学習 トレーニング 훈련 학습 обучени[еия] навчання प्रशिक्षण التدريب تدريب آموزش אימון εκπαίδευσης?",
    "validation": r"validaci[oó]n valida[cç][aã]o validierungs? validazione validatie walid\w* validac[eií] validering\w* "
    r"do[gğ]rulama\w* ki[eể]m[\s_]?[dđ][iị]nh x[aá]c[\s_]?th[uự]c validasi 验证集? 驗證集? 検証 検定 검증 "
    r"валидаци[ияю] валідаці[яї] सत्यापन التحقق تحقق اعتبارسنجی ולידציה אימות επικύρωσης?",
    "test": r"prueba teste testes testow\w* testovac\w* ki[eể]m[\s_]?tra pengujian uji 测试集? 測試集? テスト 테스트 시험 "
    r"тест(?:ов(?:ый|ая|ое|ой))? परीक्षण الاختبار اختبار آزمون בדיקה מבחן δοκιμής?",
    "loss": r"p[eé]rdidas? perdas? pertes? perdit[ae] verluste?s? verlies strat[aęy] ztr[aá]t[ay] förlust kay[iı]p kayb[iı] "
    r"m[aấ]t[\s_]?m[aá]t kerugian 损失 損失 ロス 손실 потер[ия] втрат[аи] हानि الخسارة خسارة زیان הפסד απώλει[αη]ς?",
    "accuracy": r"exactitud precisi[oó]n acur[aá]cia exactitude pr[eé]cision accuratezza genauigkeit nauwkeurigheid "
    r"dok[lł]adno[sś][cć] trafno[sś][cć] p[rř]esnost noggrannhet do[gğ]ruluk do[gğ]rulu[gğ]u ba[sş]ar[iı]m\w* "
    r"[dđ][oộ][\s_]?ch[ií]nh[\s_]?x[aá]c akurasi (?:准确|正确|準確|正確|正解)率? 精度 정확도 точн[оі]сть सटीकता الدقة دقة دقت דיוק ακρίβεια",
    "epoch": r"[eé]pocas? [eé]poques? epoche[ns]? epoca epok[ai]? devir d[oö]nem 轮 輪 回合 エポック 에포크 эпох[аи] епох[аи] युग",
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
_THOUSANDS = re.compile(
    r"(?<![\d,.\[(])([1-9]\d{0,2}),(\d{3})(?![\d,]|\s?%)"
)  # 9,713 images; in a list a comma divides
# 9.713 images beside 97,13 %: a comma that must be a decimal's makes the points those of thousands
_COMMA_DECIMAL = re.compile(r"(?<![\d,.])(?:0,\d|\d{1,3},(?:\d{1,2}|\d{4,8}))(?!\d)|(?<![\d,.])\d{1,3},\d{1,8}\s?%")
_POINT_THOUSANDS = re.compile(r"(?<![\d,.])([1-9]\d{0,2})\.(\d{3})(?![\d.])")
_SPACED_THOUSANDS = re.compile(r"(?<![\d,.])([1-9]\d{0,2})[\u00a0\u2009\u202f'’_](\d{3})(?![\d,.])")
_TEN_THOUSAND, _SPACED = (
    re.compile(r"(?<![\d,.])10 000(?![\d,.])"),
    re.compile(r"(?<![\d,.])(\d{1,2}) (\d{3})(?![\d,.])"),
)
# tensor(9713, device='cuda:0'), np.float64(0.9713): what a number wears that was not made plain
_DRESSED = re.compile(
    r"\b(?:(?:torch\.)?tensor|array|(?:np|numpy|jnp)\.\w{1,12}|Array)\(\s?"
    r"([-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?)"
    r"(?:,\s?\w{1,20}=(?:'[^'\n]{0,20}'|<?[\w.]{1,30}>?)){0,4}\s?\)"
)
_SIGNS = str.maketrans("٫٪．％：", ".%.%:")  # of decimals and percents in Arabic and in wide letters
# Beside recall it is no accuracy, as it is in French and Spanish, but another number of a class, as recall is.
_PRECISION = re.compile(r"\bprecision\b", re.IGNORECASE)
_SPREAD = re.compile(r"\s?(?:±|\+/-|\+-)\s?\d{1,4}(?:\.\d{1,6})?")  # 97.3 ± 0.2 %: how far it may be off
_HELD_OUT = re.compile(r"held[\s_-]?out|hold[\s_-]?out", re.IGNORECASE)
_PERCENT_FIRST = re.compile(r"(?<![\w%])%\s?(\d{1,3}(?:[.,]\d{1,6})?)(?![\w%])")  # %97.12, as Turkish writes it
_POINT = re.compile(r"\d\.\d")
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])(\d{1,3}),(\d{1,8})(?!,?\d)")
# A word of no list with a sign of its own: "trên" begins with "tr", and is no training set.
_UNKNOWN = re.compile(r"[^\W\d_]{0,40}[^\W\d_\x00-\x7f][^\W\d_]{0,40}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

_KEPT = 4096  # lines that are not translated again: several readers ask about each


@functools.lru_cache(_KEPT)
def english(line: str) -> str:
    """The line with the words of a training run in English and points in decimals; others come back as they are."""
    plain = line.isascii()
    line = line if plain else line.translate(_SIGNS)
    line = _DRESSED.sub(r"\1", line) if "(" in line else line
    line = _SPREAD.sub("", line) if "+" in line or not plain else line
    line = _HELD_OUT.sub("validation", line)
    line = _PERCENT.sub("%", line.replace("$", "").replace("**", ""))
    line = _PERCENT_FIRST.sub(r"\1%", line) if "%" in line else line
    line = _PRECISION.sub("recall", line) if "recall" in line or "Recall" in line else line
    line = _SPACED_THOUSANDS.sub(r"\1\2", line) if not plain or "'" in line or "_" in line else line
    line = _SPACED.sub(r"\1\2", line) if "10 000" in line and _TEN_THOUSAND.search(line) else line
    if "," in line:
        line = _POINT_THOUSANDS.sub(r"\1\2", line) if _COMMA_DECIMAL.search(line) else line
        line = _THOUSANDS.sub(r"\1\2", line)
        line = line if _POINT.search(line) else _DECIMAL_COMMA.sub(r"\1.\2", line)
    if line.isascii() and not _foreign(line.translate(_ONE_DIGIT)):
        return line
    line = _GERMAN.sub(r"\1 \2", _NTH.sub(r" epoch \1 ", line))
    for pattern, word in _FOREIGN:
        line = pattern.sub(f" {word} ", line)
    return _UNKNOWN.sub(" ", line)


# Those that are written without a sign of their own.
_ROMANCE = re.compile(
    r"entren|treino|treinamento|addestramento|apprentissage|trainings?verlust|verlust|validierung|validazione|prueba|teste|perdida"
    r"|perdas?\b|pertes?\b|perdit|genauigkeit|exactitud|accuratezza|precision\b|\bepocas?\b|\bepoques?\b|\bepochen?\b"
    r"|verlies|nauwkeurig|validatie|\bepok|\btren\b|trening|walid|strata|straty|testow|trenink|trenovac|ztrat|presnost"
    r"|validering|noggrann|egitim|dogrul|kayip|kaybi|devir|huan_?luyen|kiem_?(?:dinh|tra)|xac_?thuc|pelatihan|validasi"
    r"|pengujian|akurasi|kerugian",
    re.IGNORECASE,
)


_ONE_DIGIT = str.maketrans("123456789", "000000000")


@functools.lru_cache(_KEPT)
def _foreign(form: str) -> bool:
    """Whether a line of this form, each digit a 0, has a word of `_ROMANCE`: the lines of a run differ in digits."""
    return bool(_ROMANCE.search(form))


@functools.lru_cache(_KEPT)
def words(text: str) -> frozenset[str]:
    """The words of a text in lower case, each part of trainLoss and train_loss for itself."""
    return frozenset(word.lower() for word in _WORD.findall(english(text)))


@functools.lru_cache(_KEPT)
def sets(text: str) -> frozenset[str]:
    """Which sets a text names."""
    return frozenset(SETS[word] for word in words(text) if word in SETS)
