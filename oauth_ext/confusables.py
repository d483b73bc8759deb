"""Text reduced to how it looks (after Unicode Technical Standard 39, §4), to compare names.

Two names that can be mistaken for one another have the same skeleton. It is never shown.
"""

import re
import unicodedata

# The letters and digits of other alphabets that Unicode lists as confusable with a Latin letter
# or an ASCII digit, less those that NFKC turns into one anyway; a few look-alikes are added that
# it leaves to lower case.
CONFUSABLE = {
    "a": "ɑΑαАаᎪᏎᗅꓮ𐊠𑢯𖽀",
    "b": "ƄȢȣΒВЬв৪੪ᏏᏴᑲᖯᗷꓐꞴ𐊂𐊡𐌁𐌚",
    "c": "ΣςСсᏟᴄⲤⲥꓚꮯ𐊢𐌂𐐕𐐽𐔜𑣩𑣲",
    "d": "đԁᎠᏧᑯᗞᗪꓒꓓ",
    "e": "ƷȜΕЕЗеҽӠᎬⳌⴹꓰꝪꞫꬲ𐊆𑢦𑢮𑣊𖼻",
    "f": "ϜքᖴẝꓝꞘꞙꬵ𐊇𐊥𐔥𑢢𑣂",
    "g": "ƍɡԌցᏀᏳᶃꓖ",
    "h": "ΗНнһհᎻᏂᕼⲎꓧ𐋏",
    "i": "ıɩɪιіӏᎥꙇꭵ𑣃",
    "j": "ͿϳЈјᎫᒍꓙꞲ",
    "k": "ΚКкᏦᛕⲔꓗ𐔘",
    "l": "łƖǀΙІӀ۱ᏞᒪᛁⲒⳐⵏꓡꓲ𐊊𐌉𐌠𐐛𐔦𑢣𑢲𖼖𖼨",
    "m": "ΜϺМмᎷᗰᛖⲘꓟ𐊰𐌑",
    "n": "ΝηπոռⲚꓠ𐔓",
    "o": "øΟοσОоՕօ۵०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᴏᴑⲞⲟⵔ〇ꓳꬽ𐊒𐊫𐐄𐐬𐓂𐓪𐔖𑓐𑢵𑣈𑣗𑣠",
    "p": "þΡρРрᏢᑭⲢⲣꓑ𐊕",
    "q": "ԛգզⵕ",
    "r": "ƦгᎡᏒᖇᴦⲅꓣꭇꭈꮁ𐒴𖼵",
    "s": "ƼƽЅѕՏᏕᏚꓢꜱꮪ𐊖𐐠𐑈𑢻𑣁𖼺",
    "t": "ΤТтᎢⲦꓔ𐊗𐊱𐌕𐓒𑢼𑣆𖼊",
    "u": "ʋυՍսሀᑌᴜꓴꞟꭎꭒ𐓎𐓶𑢸𑣘𖽂",
    "v": "νѴѵ۷Ꮩᐯᴠⴸꓦꛟꮩ𐔝𑜆𑢠𑣀𖼈",
    "w": "ɯωѡԜԝաᎳᏔᴡꓪꮃ𑜊𑜎𑜏𑣦𑣯",
    "x": "ΧХхᕁᕽᚷⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬",
    "y": "ɣʏΥγУуҮүყᎩᎽᶌỿⲨꓬꭚ𐊲𑢤𑣜𖽃",
    "z": "ΖᏃᴢꓜꮓ𐋵𑢩𑣄𑣥",
}
# What stands in for a letter on purpose, and what the eye does not tell apart: i, l, 1 and |.
STAND_INS = {
    "l": "i1|!",
    "o": "0",
    "e": "3",
    "a": "4@",
    "s": "5$",
    "t": "7+",
    "b": "8",
    "g": "9",
}
FROM_OTHER_ALPHABETS = str.maketrans(
    {look: letter for letter, looks in CONFUSABLE.items() for look in looks}
)
FROM_STAND_INS = str.maketrans(
    {look: letter for letter, looks in STAND_INS.items() for look in looks}
)
# What Unicode's own names say: letters with strokes and tails, small capitals, white letters on
# black, and the halves of flags.
FORM_OF_A_LETTER = re.compile(
    r"(?:LATIN (?:CAPITAL |SMALL )?LETTER (?:SMALL CAPITAL )?"
    r"|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER "
    r"|REGIONAL INDICATOR SYMBOL LETTER )(?P<letter>[A-Z])(?: WITH .*)?"
)
WORD_BREAK = re.compile(r"[^a-z]+")
RUN = re.compile(r"(.)\1+")


def build_skeletons(text: str) -> list[str]:
    """The words of a text, each as its skeleton: letters a to z only, none twice in a row."""
    plain = unicodedata.normalize("NFKC", text).translate(FROM_OTHER_ALPHABETS).casefold()
    # Once more: some letters become confusable only in lower case.
    plain = plain.translate(FROM_OTHER_ALPHABETS).translate(FROM_STAND_INS)
    letters = "".join(
        find_latin(letter) for letter in unicodedata.normalize("NFD", plain) if not is_mark(letter)
    )
    return [squeeze(word) for word in WORD_BREAK.split(letters) if word]


def is_mark(letter: str) -> bool:
    """Whether it is drawn over, under or around the letter before it, and has no place of its own.

    By category: many marks of South Asian scripts, and all enclosing ones, have combining class 0.
    """
    return unicodedata.category(letter) in ("Mn", "Me")


def find_latin(letter: str) -> str:
    """The Latin letter of which this is a form, or itself."""
    if letter.isascii():
        return letter
    match = FORM_OF_A_LETTER.fullmatch(unicodedata.name(letter, ""))
    return match["letter"].lower() if match else letter


def squeeze(word: str) -> str:
    """Pairs that look like one letter as that letter, and runs of a letter as one."""
    return RUN.sub(r"\1", word.replace("rn", "m").replace("vv", "w"))
