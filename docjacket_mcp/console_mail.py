"""Mails of the quick start, printed as people would read them."""

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend


class ReadableEmailBackend(EmailBackend):
    """Django's prints what goes over the wire, with subjects that are encoded."""

    def write_message(self, message: EmailMessage) -> None:
        """Sender, receivers, subject and text."""
        people = f"From: {message.from_email}\nTo: {', '.join(message.to)}\n"
        rule = "-" * 79
        self.stream.write(f"{people}Subject: {message.subject}\n\n{message.body}\n{rule}\n")
