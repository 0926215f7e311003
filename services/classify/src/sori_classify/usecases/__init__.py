"""One function per thing that classify can be asked to do."""

from sori_classify.usecases.corrections import correct, list_corrections
from sori_classify.usecases.explaining import explain
from sori_classify.usecases.reading import Reader, classify, read, read_stream
from sori_classify.usecases.summing import extract_keywords, summarise

__all__ = [
    "Reader",
    "classify",
    "correct",
    "explain",
    "extract_keywords",
    "list_corrections",
    "read",
    "read_stream",
    "summarise",
]
