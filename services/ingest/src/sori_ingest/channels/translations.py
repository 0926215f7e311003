"""How makers of surveys and their customers put titles and answers in languages besides Korean and English."""

from collections.abc import Mapping

# Titles of columns, by their letters in lower case: German, French, Spanish, Portuguese, Italian, Dutch, Japanese, …
IDS = (
    *("teilnehmerid", "befragtenid", "antwortid", "iddurépondant", "identifiantdurépondant", "iddelaréponse"),
    *("iddelencuestado", "iddelparticipante", "iddelarespuesta", "iddorespondente", "iddaresposta"),
    *("idrispondente", "iddelrispondente", "idrisposta", "回答者id", "回答id", "回答番号", "答卷编号", "答卷id"),
)
TIMES = (
    *("marcatemporal", "carimbodedatahora", "horodateur", "zeitstempel", "informazionicronologiche", "tijdstempel"),
    *("タイムスタンプ", "时间戳记", "時間戳記", "sygnaturaczasowa", "отметкавремени", "zamandamgası", "dấuthờigian"),
    *("capwaktu", "tidsstämpel", "tidsstempel", "časovérazítko", "időbélyeg", "marcajdetimp"),  # Google Forms
    *("enddatum", "datedefin", "fechadefinalización", "fechadefin", "datadetérmino", "datadifine", "einddatum"),
    *("終了日", "回答日時", "回答日", "送信日時", "提交答卷时间", "提交时间", "提交時間", "结束日期", "結束日期"),
    *("anfangsdatum", "startdatum", "datededébut", "fechadeinicio", "datadeinício", "datadiinizio", "begindatum"),
    *("開始日", "开始日期", "開始日期"),
)
PERHAPS_TIMES = (  # of Microsoft Forms
    *("fertigstellungszeit", "heuredefin", "horadefinalización", "horadeconclusão", "oradicompletamento"),
    *("voltooiingstijd", "完了時刻", "完成时间", "完成時間"),
    *("startzeit", "heurededébut", "horadeinicio", "horadeinício", "oradiinizio", "begintijd", "開始時刻", "开始时间"),
)
UNSAID = (
    *("vorname", "nachname", "prénom", "nom", "nombre", "apellido", "apellidos", "nome", "sobrenome", "cognome"),
    *("voornaam", "achternaam", "naam", "名", "姓", "名前", "氏名", "お名前", "姓名", "名字"),
    *("ipadresse", "adresseip", "direcciónip", "endereçoip", "indirizzoip", "ipadres", "ipアドレス", "来自ip"),
)
EMAILS = (
    *("adressedemessagerie", "direccióndecorreoelectrónico", "direccióndecorreo", "correoelectrónico", "correo"),
    *("メールアドレス", "メール", "电子邮件", "電子郵件", "邮箱", "电子邮箱"),
)
PHONES = (
    *("telefon", "telefonnummer", "handynummer", "téléphone", "numérodetéléphone", "teléfono", "númerodeteléfono"),
    *("telefone", "celular", "telefono", "telefoonnummer", "電話番号", "携帯電話", "手机号", "手机号码", "电话"),
)
OPEN_ENDED = (
    *("offene antwort", "antwort auf offene frage", "réponse ouverte", "réponse libre", "respuesta abierta"),
    *("resposta aberta", "risposta aperta", "open antwoord", "自由回答", "自由記述", "开放式回答", "開放式回答"),
)
SECOND_HEADER = ("antwort", "réponse", "respuesta", "resposta", "risposta", "antwoord", "回答", "回應", "回应")

_LIKELY = (
    r"wahrscheinlich|probab|waarschijnlijk|prawdopodob|вероятн|olasıl|khả năng|kemungkinan|可能|どのくらい|どの程度"
)
_RECOMMEND = (
    r"empfehl|recommand|recom(?:end|iend)|raccomand|consigli|aanbeve|polec|рекоменд|tavsiye|giới thiệu|rekomendasi"
    r"|薦め|勧め|おすすめ|推荐|推薦"
)
NPS = (
    rf"(?:{_LIKELY}).{{0,120}}(?:{_RECOMMEND})|(?:{_RECOMMEND}).{{0,60}}(?:olasıl|可能)|(?:推荐|推薦)(?:度|意愿|意願|意向)"
    r"|würden sie .{0,60}empfehlen|recommanderiez[- ]vous|(?:nos|me) recomendar[ií]a|consigliereb?be"
    r"|zou(?:dt)? (?:u|je) .{0,60}aanbevelen|(?:薦め|勧め|おすすめし)(?:たい|ます)|bạn có giới thiệu"
)
CSAT = (
    r"zufrieden|satisfech|satisfeit|soddisf|tevreden|満足|满意|滿意|zadowol|удовлетвор|довольн|memnun"
    r"|hài lòng|kepuasan|\bpuas\b"
)
CES = (
    r"wie (?:einfach|leicht)\b|(?:combien|à quel point|dans quelle mesure).{0,60}facile"
    r"|(?:qué|cuán|quão).{0,40}fácil|quanto (?:è|foi).{0,40}f[aá]cil|hoe (?:ge)?makkelijk|hoe eenvoudig"
    r"|(?:どのくらい|どの程度).{0,30}(?:簡単|容易)|(?:簡単|容易)でしたか|多(?:么)?容易"
)
OPEN = (
    r"warum|begründ|\bgrund\b|\braison\b|\bmotiv[oi]\b|kommentar|anmerkung|verbesser|rückmeldung|pourquoi"
    r"|commentaire|amélior|remarque"
    r"|(?:por|para) qu[éê](?! (?:canal|medio|meio|v[íi]a))|coment[aá]rio|mejorar|melhorar|sugerenc|sugest[ãõ]"
    r"|perché|comment[oi]\b|miglior|suggeriment"
    r"|waarom|opmerking|verbeter|toelichting|理由|(?:良|よ|悪)かった点|点(?:を|が|は).{0,12}(?:教え|聞かせ|記入|書)"
    r"|意見|感想|改善|コメント|原因|建议|建議|意见|评论|評論|評語"
    r"|dlaczego|\buwag[ai]\b|komentarz|почему|комментар|отзыв|улучш|предложени|\bneden\b|yorum|görüş|\böneri"
    r"|tại sao|ý kiến|góp ý|nhận xét|mengapa|\balasan|\bsaran\b|komentar|masukan"
)
RATED = (
    r"\bbewert(?:en|e)\b|\bbewertung$|\b[ée]valuez\b|\bnotez\b|\bcalifi(?:que|ca)\b|\bvalore\b|\bavalie\b"
    r"|評価|评分|評分"
)

LABELS: Mapping[str, float] = {
    "sehrzufrieden": 5, "äußerstzufrieden": 5, "zufrieden": 4, "eherzufrieden": 4, "teilsteils": 3,
    "wederzufriedennochunzufrieden": 3, "unzufrieden": 2, "eherunzufrieden": 2, "sehrunzufrieden": 1,
    "äußerstunzufrieden": 1,
    **{f"{how}satisfait{end}": mark for how, mark in (
        ("extrêmement", 5), ("très", 5), ("", 4), ("plutôt", 4), ("assez", 4), ("plutôtin", 2), ("in", 2), ("pas", 2),
        ("peu", 2), ("trèsin", 1), ("extrêmementin", 1), ("pasdutout", 1)) for end in ("", "e", "ee")},
    "nisatisfaitniinsatisfait": 3, "neutre": 3,
    **{f"{how}satisf{end}": mark for how, mark in (
        ("extremadamente", 5), ("muy", 5), ("", 4), ("algo", 4), ("in", 2), ("algoin", 2), ("muyin", 1),
        ("extremadamentein", 1), ("extremamente", 5), ("muito", 5), ("umpouco", 4), ("umpoucoin", 2), ("muitoin", 1),
        ("extremamentein", 1)) for end in ("echo", "echa", "eito", "eita", "echoa", "eitoa")},
    "nisatisfechoniinsatisfecho": 3, "nemsatisfeitoneminsatisfeito": 3, "neutro": 3, "neutrale": 3,
    **{f"{how}soddisfatt{end}": mark for how, mark in (
        ("molto", 5), ("", 4), ("abbastanza", 4), ("in", 2), ("poco", 2), ("moltoin", 1)) for end in ("o", "a", "oa")},
    "zeertevreden": 5, "tevreden": 4, "neutraal": 3, "ontevreden": 2, "zeerontevreden": 1,
    "非常に満足": 5, "とても満足": 5, "大変満足": 5, "満足": 4, "やや満足": 4, "どちらともいえない": 3,
    "どちらでもない": 3, "普通": 3, "ふつう": 3, "やや不満": 2, "不満": 2, "非常に不満": 1, "とても不満": 1,
    "大変不満": 1, "非常满意": 5, "很满意": 5, "满意": 4, "比较满意": 4, "一般": 3, "不满意": 2, "不太满意": 2,
    "很不满意": 1, "非常不满意": 1, "非常滿意": 5, "很滿意": 5, "滿意": 4, "不滿意": 2, "非常不滿意": 1,
}  # fmt: skip
