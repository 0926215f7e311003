"""The made-up company: Gaongyeol (가온결), which makes and sells coffee, desserts and home goods."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What a product is; also the name of its slot in texts."""

    DRINK = "drink"
    DESSERT = "dessert"
    GOODS = "goods"
    SCENT = "scent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A shop or team."""

    name: str
    korean: str
    english: str
    headcount: int
    customer_share: float = 0.0  # 0 to 1; teams have no customers of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something on sale."""

    id: str
    category: Category
    korean: str
    english: str
    price: int  # won


SHOPS = (
    Unit(name="shop-gangnam", korean="강남점", english="the Gangnam shop", headcount=18, customer_share=0.21),
    Unit(name="shop-hongdae", korean="홍대점", english="the Hongdae shop", headcount=18, customer_share=0.20),
    Unit(name="shop-jamsil", korean="잠실점", english="the Jamsil shop", headcount=15, customer_share=0.17),
    Unit(name="shop-busan", korean="부산점", english="the Busan shop", headcount=15, customer_share=0.16),
    Unit(name="shop-daegu", korean="대구점", english="the Daegu shop", headcount=13, customer_share=0.14),
    Unit(name="shop-jeju", korean="제주점", english="the Jeju shop", headcount=12, customer_share=0.12),
)
CALL_CENTER = Unit(name="call-center", korean="고객센터", english="the call centre", headcount=26)
DELIVERY_TEAM = Unit(name="delivery-team", korean="배송팀", english="the delivery team", headcount=19)
HQ_CX = Unit(name="hq-cx", korean="본사 CX팀", english="the CX team", headcount=14)
UNITS = (*SHOPS, CALL_CENTER, DELIVERY_TEAM, HQ_CX)
UNIT_BY_NAME: Mapping[str, Unit] = {unit.name: unit for unit in UNITS}
SHOP_NAMES = tuple(shop.name for shop in SHOPS)

PRODUCTS = (
    Product(id="house-blend", category=Category.DRINK, korean="하우스 블렌드", english="house blend", price=18_000),
    Product(id="cold-brew", category=Category.DRINK, korean="콜드브루", english="cold brew", price=14_500),
    Product(id="oat-latte", category=Category.DRINK, korean="오트라떼", english="oat latte", price=6_300),
    Product(id="americano", category=Category.DRINK, korean="아메리카노", english="americano", price=4_800),
    Product(id="drip-bags", category=Category.DRINK, korean="드립백 커피", english="drip bag coffee", price=22_000),
    Product(id="decaf", category=Category.DRINK, korean="디카페인 원두", english="decaf blend", price=19_500),
    Product(id="vanilla-latte", category=Category.DRINK, korean="바닐라라떼", english="vanilla latte", price=5_900),
    Product(id="cheesecake", category=Category.DESSERT, korean="치즈케이크", english="cheesecake", price=32_000),
    Product(id="tiramisu", category=Category.DESSERT, korean="티라미수", english="tiramisu", price=28_500),
    Product(id="financiers", category=Category.DESSERT, korean="휘낭시에", english="financier box", price=24_000),
    Product(id="cake-roll", category=Category.DESSERT, korean="인절미롤", english="injeolmi cake roll", price=19_000),
    Product(id="salt-bread", category=Category.DESSERT, korean="소금빵", english="salt bread", price=13_900),
    Product(id="macarons", category=Category.DESSERT, korean="마카롱", english="macaron box", price=21_000),
    Product(id="mug", category=Category.GOODS, korean="도자기 머그컵", english="ceramic mug", price=17_000),
    Product(id="glass-dripper", category=Category.GOODS, korean="유리 드리퍼", english="glass dripper", price=29_000),
    Product(id="tumbler", category=Category.GOODS, korean="텀블러", english="tumbler", price=34_000),
    Product(id="glass-server", category=Category.GOODS, korean="커피서버", english="coffee server", price=38_000),
    Product(id="diffuser", category=Category.SCENT, korean="디퓨저", english="diffuser", price=27_000),
    Product(id="candle", category=Category.SCENT, korean="소이캔들", english="soy candle", price=23_000),
)
