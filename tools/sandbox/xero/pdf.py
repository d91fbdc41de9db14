"""A one-page PDF of an invoice, written by hand."""

from tools.sandbox.store import Json

_HEAD = b"%PDF-1.4\n"


def invoice_pdf(invoice: Json) -> bytes:
    """Number, contact, status and amounts in Helvetica on an A4 page."""
    lines = [
        f"Tax invoice {invoice['InvoiceNumber']}",
        invoice["Contact"]["Name"],
        f"Date {invoice['DateString'][:10]}   Status {invoice['Status']}",
        f"Subtotal SGD {invoice['SubTotal']:.2f}   GST SGD {invoice['TotalTax']:.2f}",
        f"Total SGD {invoice['Total']:.2f}   Due SGD {invoice['AmountDue']:.2f}",
    ]
    shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
    return _file(f"BT /F1 14 Tf 24 TL 60 760 Td {shown} ET".encode("cp1252", "replace"))


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
