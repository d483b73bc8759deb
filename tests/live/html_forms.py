"""The forms of a page, as a browser without script understands them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = Mapping[str, str | None]


@dataclass(slots=True)
class Control:
    """An input, a button or a select; ``text`` is its label or what is written on it."""

    kind: str
    name: str
    value: str
    checked: bool = False
    disabled: bool = False
    text: str = ""
    options: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Form:
    """One form. An empty ``action`` is the page itself."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)

    def find(self, name: str, text: str = "") -> Control:
        """The control of this name whose label or inscription contains the text."""
        found = [each for each in self.controls if each.name == name and text in each.text]
        assert len(found) == 1, f"{len(found)} controls {name!r} with the text {text!r}"
        return found[0]

    def has(self, *names: str) -> bool:
        """Whether there is a control of each of these names."""
        return set(names) <= {control.name for control in self.controls}

    def has_button(self, text: str) -> bool:
        """Whether there is a button with this inscription."""
        return any(each.kind == "submit" and each.text == text for each in self.controls)

    def fill(self, name: str, value: str) -> None:
        """Type into a field."""
        self.find(name).value = value

    def tick(self, name: str, values: Iterable[str]) -> None:
        """Leave exactly these boxes of the name ticked; one that is disabled stays as it is."""
        wanted = set(values)
        for control in self.controls:
            if control.name == name and not control.disabled:
                control.checked = control.value in wanted

    def build_data(self, button: str) -> list[tuple[str, str]]:
        """What pressing the button with this inscription sends."""
        assert self.has_button(button), f"there is no button {button!r}"
        return [
            (control.name, control.value)
            for control in self.controls
            if is_sent(control, pressed=button)
        ]


def is_sent(control: Control, *, pressed: str) -> bool:
    """Whether it is a successful control, as HTML calls it."""
    if not control.name or control.disabled:
        return False
    if control.kind == "submit":
        return control.text == pressed
    return control.checked if control.kind in ("radio", "checkbox") else True


class FormParser(HTMLParser):
    """Collects forms with their controls and labels."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_inside = False
        self._texts: list[list[Control]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a form, a label, a control."""
        attributes: Attributes = dict(attrs)
        if tag == "form":
            self._is_inside = True
            action, method = attributes.get("action") or "", attributes.get("method") or "get"
            self.forms.append(Form(action, method.lower()))
        elif not self._is_inside:
            return
        elif tag == "label":
            self._texts.append([])
        elif tag == "option":
            select = self.forms[-1].controls[-1]
            select.options.append(attributes.get("value") or "")
            if "selected" in attributes or len(select.options) == 1:
                select.value = select.options[-1]
        elif tag in ("input", "button", "textarea", "select"):
            self._add(tag, attributes)

    def _add(self, tag: str, attributes: Attributes) -> None:
        kind = attributes.get("type") or {"button": "submit"}.get(tag, tag)
        is_box = kind in ("radio", "checkbox")
        control = Control(
            kind=kind,
            name=attributes.get("name") or "",
            value=attributes.get("value") or ("on" if is_box else ""),
            checked="checked" in attributes,
            disabled="disabled" in attributes,
        )
        self.forms[-1].controls.append(control)
        for labelled in self._texts:
            labelled.append(control)
        if tag == "button":
            self._texts.append([control])

    def handle_data(self, data: str) -> None:
        """Text belongs to the controls of the labels and the button around it."""
        for labelled in self._texts:
            for control in labelled:
                control.text = f"{control.text} {data.strip()}".strip()

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened."""
        if tag == "form":
            self._is_inside = False
        elif tag in ("label", "button") and self._texts:
            self._texts.pop()


def parse_forms(html: str) -> list[Form]:
    """All forms of a page, in order."""
    parser = FormParser()
    parser.feed(html)
    parser.close()
    return parser.forms
