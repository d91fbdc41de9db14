"""A one-page PDF of a document, written by hand."""

from tools.sandbox.store import Json
from tools.sandbox.xero.kinds import Kind

_HEAD = b"%PDF-1.4\n"


def document_pdf(kind: Kind, document: Json) -> bytes:
    """Number, contact, status and amounts in Helvetica on an A4 page."""
    lines = [
        f"{kind.title} {document[kind.number_field]}",
        document["Contact"]["Name"],
        f"Date {document['DateString'][:10]}   Status {document['Status']}",
        f"Subtotal SGD {document['SubTotal']:.2f}   GST SGD {document['TotalTax']:.2f}",
        f"Total SGD {document['Total']:.2f}{_balance(document)}",
    ]
    shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
    return _file(f"BT /F1 14 Tf 24 TL 60 760 Td {shown} ET".encode("cp1252", "replace"))


def _balance(document: Json) -> str:
    for name, words in (("AmountDue", "Due"), ("RemainingCredit", "Left")):
        if name in document:
            return f"   {words} SGD {document[name]:.2f}"
    return ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _file(content: bytes) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    body, places = _HEAD, []
    for number, written in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, written)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return body + head + table + tail % (len(objects) + 1, len(body))
