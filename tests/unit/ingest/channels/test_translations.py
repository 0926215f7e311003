"""Tables of surveys in languages besides Korean and English, with all their columns."""

from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]

_SURVEYMONKEY = [
    (
        (
            "Teilnehmer-ID;Collector-ID;Anfangsdatum;Enddatum;IP-Adresse;E-Mail-Adresse;Vorname;Nachname;"
            "Wie wahrscheinlich ist es, dass Sie uns einem Freund weiterempfehlen?;Wie zufrieden sind Sie?;"
            "Was können wir verbessern?"
        ),
        ";;;;;;;;Antwort;Antwort;Offene Antwort",
        "20.11.2026 15:04:05;20.11.2026 15:06:05",
        "Sehr zufrieden",
    ),
    (
        (
            "ID du répondant;ID du collecteur;Date de début;Date de fin;Adresse IP;Adresse e-mail;Prénom;Nom;"
            "Quelle est la probabilité que vous nous recommandiez à un ami ?;Quel est votre niveau de satisfaction ?;"
            "Que pourrions-nous améliorer ?"
        ),
        ";;;;;;;;Réponse;Réponse;Réponse ouverte",
        "20/11/2026 15:04:05;20/11/2026 15:06:05",
        "Très satisfait(e)",
    ),
    (
        (
            "ID del encuestado;ID del recopilador;Fecha de inicio;Fecha de finalización;Dirección IP;"
            "Dirección de correo electrónico;Nombre;Apellidos;¿Qué probabilidad hay de que nos recomiende a un amigo?;"
            "¿Qué tan satisfecho está con el servicio?;¿Qué podríamos mejorar?"
        ),
        ";;;;;;;;Respuesta;Respuesta;Respuesta abierta",
        "20/11/2026 15:04:05;20/11/2026 15:06:05",
        "Muy satisfecho/a",
    ),
    (
        (
            "回答者ID;コレクターID;開始日;終了日;IPアドレス;メールアドレス;名;姓;"
            "当社を友人に薦める可能性はどのくらいありますか？;どの程度満足していますか？;改善点をお聞かせください。"
        ),
        ";;;;;;;;回答;回答;自由回答",
        "2026/11/20 15:04:05;2026/11/20 15:06:05",
        "非常に満足",
    ),
]


def table(read: Read, *lines: str) -> Reading:
    return read("survey", "", body="\n".join(lines).encode(), content_type="text/csv")


@pytest.mark.parametrize(("header", "second", "times", "satisfied"), _SURVEYMONKEY)
def test_surveymonkey_is_read_as_it_exports_in_other_languages(
    read: Read, header: str, second: str, times: str, satisfied: str
) -> None:
    row = f"1145;41;{times};1.2.3.4;who@example.com;Erika;Muster;8;{satisfied};xyz abc"

    first, further = table(read, header, second, row).touchpoints

    assert ("1145", "2026-11-20T15:06:05Z", "xyz abc") == (
        first.external_id,
        first.occurred_time.ToJsonString(),
        first.text,
    )
    assert (pb.SURVEY_TYPE_NPS, 8) == (first.survey.type, first.survey.score)
    assert (pb.SURVEY_TYPE_CSAT, 5) == (further.survey.type, further.survey.score)
    assert ["who@example.com"] == [each.value for each in first.identifiers]
    assert not {"Erika", "Muster", "1.2.3.4"} & {*first.attributes.values()}


@pytest.mark.parametrize(
    ("stamp", "time", "question", "why"),
    [
        ("Zeitstempel", "20.11.2026 15:04:05", "Wie wahrscheinlich ist es, dass Sie uns empfehlen?", "Warum?"),
        ("Carimbo de data/hora", "20/11/2026 15:04:05", "Qual a probabilidade de nos recomendar?", "Por quê?"),
        ("Informazioni cronologiche", "20/11/2026 15.04.05", "Quanto è probabile che ci consigli?", "Perché?"),
        ("Tijdstempel", "20-11-2026 15:04:05", "Hoe waarschijnlijk is het dat u ons aanbeveelt?", "Waarom?"),
        ("時間戳記", "2026/11/20 下午 3:04:05", "您向朋友推薦我們的可能性有多大？", "原因"),
        ("时间戳记", "2026/11/20 15:04:05", "您向朋友推荐我们的可能性有多大？", "原因"),
        ("Отметка времени", "20.11.2026 15:04:05", "Какова вероятность, что вы порекомендуете нас?", "Почему?"),
        ("Zaman damgası", "20.11.2026 15:04:05", "Bizi tavsiye etme olasılığınız nedir?", "Neden?"),
        ("Dấu thời gian", "20/11/2026 15:04:05", "Bạn có giới thiệu chúng tôi cho bạn bè không?", "Tại sao?"),
    ],
)
def test_google_forms_is_read_as_it_exports_in_other_languages(
    read: Read, stamp: str, time: str, question: str, why: str
) -> None:
    [made] = table(read, f'"{stamp}","{question}","{why}"', f'"{time}","9","xyz abc"').touchpoints

    assert ("2026-11-20T15:04:05Z", "xyz abc") == (made.occurred_time.ToJsonString(), made.text)
    assert (pb.SURVEY_TYPE_NPS, 9) == (made.survey.type, made.survey.score)


def test_satisfaction_with_what_is_recommended_is_no_nps(read: Read) -> None:
    [made] = table(read, "id,推荐产品的满意度,建议", "1,4,很好很好").touchpoints

    assert (pb.SURVEY_TYPE_CSAT, 4, "很好很好") == (made.survey.type, made.survey.score, made.text)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "très bien, à l'été"),
        ("cp1252", "schön und größer"),
        ("cp949", "네"),
        ("cp949", "배송이 빨라요"),
    ],
)
def test_tables_of_windows_are_read_as_they_were_written(read: Read, encoding: str, words: str) -> None:
    body = f"id;nps;comment\n1;9;{words}\n".encode(encoding)

    [made] = read("survey", "", body=body, content_type="text/csv").touchpoints

    assert words == made.text
