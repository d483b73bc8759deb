"""The quick start prints mails as people would read them."""

from io import StringIO

from django.core.mail import EmailMessage

from docjacket_mcp.console_mail import ReadableEmailBackend


def test_a_subject_and_a_text_are_printed_as_they_are() -> None:
    stream = StringIO()
    message = EmailMessage("Your token “Büro” ends", "Grüße\n", "us@host.example", ["a@b.example"])
    ReadableEmailBackend(stream=stream).send_messages([message])
    assert "To: a@b.example\nSubject: Your token “Büro” ends\n\nGrüße\n" in stream.getvalue()
    assert "=?utf-8" not in stream.getvalue()
