/**
 * Units: which words and symbols are units, of which dimension and how large. `km/h`, `m s^{-2}`, `square feet`, `平方厘米`
 * are read into powers of base units, so that 3 kg equals 3000 g and 5 cm is not 5 cm^2. Temperatures are kept apart,
 * as their zeros differ, and currencies, as their rates do.
 */
import { type Exact, ONE, decimal, over, ratioOf, times } from "./exact";

/** Powers of base units: { L: 1, T: -1 } is a speed. */
export type Dimensions = Readonly<Record<string, number>>;

export interface Unit {
  /** How much of the base units one is. */
  readonly factor: Exact;
  readonly dimensions: Dimensions;
}

/** Names → dimensions, factor. Base units: m, g, s, A, mol, rad (deg), USD .. ; a month is no number of days. */
const TABLE = `
m meter meters metre metres 米 公尺 | L | 1
km kilometer kilometers kilometre kilometres kms 千米 公里 | L | 1000
dm decimeter decimeters decimetre decimetres 分米 | L | 0.1
cm centimeter centimeters centimetre centimetres cms 厘米 公分 | L | 0.01
mm millimeter millimeters millimetre millimetres 毫米 | L | 0.001
\\mu_m um micrometer micrometers micron microns 微米 | L | 0.000001
nm nanometer nanometers 纳米 | L | 0.000000001
in inch inches in. 英寸 | L | 0.0254
ft foot feet ft. 英尺 | L | 0.3048
yd yard yards yds 码 | L | 0.9144
mi mile miles 英里 | L | 1609.344
ly lightyear lightyears 光年 | L | 9460730472580800
里 | L | 500
ha hectare hectares 公顷 | L2 | 10000
acre acres 英亩 | L2 | 4046.8564224
亩 | L2 | 2000/3
g gram grams gm gms 克 | M | 1
kg kilogram kilograms kgs kilo kilos 千克 公斤 | M | 1000
mg milligram milligrams 毫克 | M | 0.001
\\mu_g microgram micrograms 微克 | M | 0.000001
t ton tons tonne tonnes 吨 | M | 1000000
斤 | M | 500
两 | M | 50
lb lbs pound pounds lb. lbs. 磅 | M | 453.59237
oz ounce ounces oz. 盎司 | M | 28.349523125
s sec secs second seconds sec. 秒 秒钟 | T | 1
ms millisecond milliseconds 毫秒 | T | 0.001
\\mu_s us microsecond microseconds 微秒 | T | 0.000001
ns nanosecond nanoseconds 纳秒 | T | 0.000000001
min mins minute minutes min. 分钟 分 | T | 60
h hr hrs hour hours hr. hrs. 小时 时 钟头 个小时 | T | 3600
d day days 天 日 | T | 86400
week weeks wk wks 周 星期 个星期 礼拜 | T | 604800
month months mo mos 月 个月 | Months | 1
year years yr yrs yr. yrs. 年 岁 周岁 | Months | 12
decade decades | Months | 120
century centuries 世纪 | Months | 1200
A amp amps ampere amperes 安 安培 | I | 1
mA milliamp milliamps milliampere milliamperes 毫安 | I | 0.001
mol mole moles 摩尔 | N | 1
mmol | N | 0.001
M molar | N L-3 | 1000
cd candela | J | 1
rad radian radians 弧度 | Radians | 1
^\\circ degree degrees deg degs 度 | Degrees | 1
' arcminute arcminutes 角分 | Degrees | 1/60
'' arcsecond arcseconds 角秒 | Degrees | 1/3600
^\\circ_C ^\\circC degC celsius centigrade °C 摄氏度 | Celsius | 1
^\\circ_F ^\\circF degF fahrenheit 华氏度 | Fahrenheit | 1
K kelvin kelvins 开 开尔文 | Kelvin | 1
Hz hertz 赫兹 赫 | T-1 | 1
kHz kilohertz 千赫 | T-1 | 1000
MHz megahertz 兆赫 | T-1 | 1000000
GHz gigahertz | T-1 | 1000000000
rpm | T-1 | 1/60
N newton newtons 牛 牛顿 | M L T-2 | 1000
kN kilonewton kilonewtons 千牛 | M L T-2 | 1000000
J joule joules 焦 焦耳 | M L2 T-2 | 1000
kJ kilojoule kilojoules 千焦 | M L2 T-2 | 1000000
MJ megajoule megajoules | M L2 T-2 | 1000000000
cal calorie calories 卡 卡路里 | M L2 T-2 | 4184
kcal kilocalorie kilocalories 千卡 | M L2 T-2 | 4184000
eV electronvolt electronvolts 电子伏 | M L2 T-2 | 0.0000000000000001602176634
MeV | M L2 T-2 | 0.0000000001602176634
W watt watts 瓦 瓦特 | M L2 T-3 | 1000
kW kilowatt kilowatts 千瓦 | M L2 T-3 | 1000000
MW megawatt megawatts 兆瓦 | M L2 T-3 | 1000000000
kWh kilowatt-hour kilowatt-hours 千瓦时 | M L2 T-2 | 3600000000
hp horsepower 马力 | M L2 T-3 | 745699.87158227
Pa pascal pascals 帕 帕斯卡 | M L-1 T-2 | 1000
kPa kilopascal kilopascals 千帕 | M L-1 T-2 | 1000000
MPa megapascal megapascals 兆帕 | M L-1 T-2 | 1000000000
atm atmosphere atmospheres 大气压 | M L-1 T-2 | 101325000
bar bars | M L-1 T-2 | 100000000
mmHg | M L-1 T-2 | 133322.387415
V volt volts 伏 伏特 | M L2 T-3 I-1 | 1000
mV millivolt millivolts 毫伏 | M L2 T-3 I-1 | 1
kV kilovolt kilovolts 千伏 | M L2 T-3 I-1 | 1000000
\\Omega ohm ohms 欧 欧姆 | M L2 T-3 I-2 | 1000
k\\Omega kohm kilohm kilohms kiloohm kiloohms 千欧 | M L2 T-3 I-2 | 1000000
C coulomb coulombs 库 库仑 | T I | 1
\\mu_C microcoulomb microcoulombs | T I | 0.000001
F farad farads 法拉 | M-1 L-2 T4 I2 | 1/1000
\\mu_F microfarad microfarads | M-1 L-2 T4 I2 | 1/1000000000
T tesla teslas 特斯拉 | M T-2 I-1 | 1000
Wb weber webers | M L2 T-2 I-1 | 1000
H henry henries | M L2 T-2 I-2 | 1000
L l liter liters litre litres 升 公升 | L3 | 0.001
mL ml milliliter milliliters millilitre millilitres 毫升 cc | L3 | 0.000001
gal gallon gallons 加仑 | L3 | 0.003785411784
qt quart quarts | L3 | 0.000946352946
pt pint pints | L3 | 0.000473176473
cup cups | Cups | 1
mph | L T-1 | 0.44704
mpg | L-2 | 1609.344/0.003785411784
kph kmh kmph | L T-1 | 5/18
knot knots | L T-1 | 463/900
bit bits | Bits | 1
byte bytes 字节 | Bits | 8
kB KB kilobyte kilobytes | Bits | 8000
MB megabyte megabytes | Bits | 8000000
GB gigabyte gigabytes | Bits | 8000000000
TB terabyte terabytes | Bits | 8000000000000
px pixel pixels 像素 | Pixels | 1
dB decibel decibels 分贝 | Decibels | 1
$ US$ USD dollar dollars 美元 美金 bucks | USD | 1
\u00a2 cent cents 美分 | USD | 0.01
€ EUR euro euros 欧元 | EUR | 1
£ GBP quid 英镑 | GBP | 1
p pence penny pennies 便士 | GBP | 0.01
¥ RMB CNY yuan 元 块 人民币 块钱 元钱 | CNY | 1
角 毛 | CNY | 0.1
JPY yen 日元 円 | JPY | 1
₹ INR Rs Rs. rupee rupees 卢比 | INR | 1
₩ KRW won 韩元 원 | KRW | 1
₽ RUB ruble rubles rouble roubles 卢布 | RUB | 1
`;

const UNITS = new Map<string, Unit>();
for (const line of TABLE.trim().split("\n")) {
  const [names, dimensions, factor] = line.split(" | ") as [string, string, string];
  const [above, below = "1"] = factor.split("/") as [string, string?];
  const unit = { factor: over(decimal(above), decimal(below))!, dimensions: readDimensions(dimensions) };
  for (const name of names.split(" ")) UNITS.set(name.replace("_", " "), unit);
}

function readDimensions(text: string): Dimensions {
  const powers: Record<string, number> = {};
  for (const part of text.split(" ")) {
    const [, base = "", power = "1"] = /^([A-Za-z]+?)(-?\d+)?$/.exec(part) ?? [];
    powers[base] = Number(power);
  }
  return powers;
}

/** Units that say "of whatever": they fit any unit of that power of length, and none. */
const GENERIC = new Set([
  "unit",
  "units",
  "square units",
  "cubic units",
  "sq units",
  "sq. units",
  "cu units",
  "unit^{2}",
  "units^{2}",
  "units^{3}",
  "u^{2}",
  "平方单位",
  "单位",
  "个单位",
  "立方单位",
]);

/** Whether a text is "units", "square units" or the like. */
export const isGenericUnit = (text: string): boolean => GENERIC.has(text.toLowerCase());

const CURRENCY_SIGN = /^(?:US ?\$|A\$|C\$|HK\$|\$|€|£|¥|₹|₩|₽|Rs\.?|USD|EUR|GBP|RMB|CNY|INR)(?![a-zA-Z])/;

/** A currency sign that a text begins with. */
export function currencyAt(text: string): { unit: Unit; length: number } | undefined {
  const sign = CURRENCY_SIGN.exec(text)?.[0];
  if (sign === undefined) return undefined;
  const unit = UNITS.get(sign.replace(" ", "")) ?? { factor: ONE, dimensions: { [sign]: 1 } };
  return { unit, length: sign.length };
}

const POWER_WORD = /^(square|sq\.?|cubic|cu\.?|平方|立方)\s*/i;
const EXPONENT = /^(?:\^\{? ?(-?\d) ?\}?|([23])(?![\d.a-zA-Z]))/;
const SEPARATOR = /^(?:\s*(?:\\cdot|\\times|\*|·|-(?=[a-zA-Z]))\s*|\s+)/;
const PER = /^\s*(?:\/|per\b|每|a\b(?=\s+(?:day|week|month|year|hour|minute|second)))\s*/;

/**
 * Reads a text that is a unit as a whole.
 *
 * @example readUnit("km/h") // { factor: 5/18, dimensions: { L: 1, T: -1 } }
 */
export function readUnit(text: string): Unit | undefined {
  // ms^{-1} is a speed, as nobody writes one over a millisecond.
  let rest = text
    .trim()
    .replace(/^ms(?=\^\{?-)/, "m s")
    .replace(DEGREES_OF, (_, name: string) => `^\\circ ${name[0]!.toUpperCase()}`)
    .replace(/^\^\\circ K$/, "K");
  const latexFraction = /^\\frac\{([^{}]*)\}\{([^{}]*)\}$/.exec(rest);
  if (latexFraction !== null) rest = `${latexFraction[1]}/${latexFraction[2]}`;
  if (rest === "" || rest.length > 60) return undefined;
  let factor: Exact = ONE;
  const powers: Record<string, number> = {};
  let sign = 1;
  for (let first = true; rest !== ""; first = false) {
    const per = PER.exec(rest);
    if (per !== null) {
      sign = -1;
      rest = rest.slice(per[0].length);
    } else if (!first) {
      const separator = SEPARATOR.exec(rest);
      if (separator !== null) rest = rest.slice(separator[0].length);
    }
    const word = POWER_WORD.exec(rest);
    if (word !== null) rest = rest.slice(word[0].length);
    const found = unitAt(rest);
    if (found === undefined) return undefined;
    rest = rest.slice(found.length);
    const inWords = / ?(squared|cubed)(?![a-z])/y.exec(rest)?.[0];
    if (inWords !== undefined) rest = `^${inWords.includes("squared") ? 2 : 3}${rest.slice(inWords.length)}`;
    const raised = EXPONENT.exec(rest);
    if (raised !== null) rest = rest.slice(raised[0].length);
    const power =
      sign * (word === null ? 1 : /^(c|立)/i.test(word[1]!) ? 3 : 2) * Number(raised?.[1] ?? raised?.[2] ?? 1);
    if (Math.abs(power) > 9) return undefined;
    factor = times(factor, raisedTo(found.unit.factor, power));
    for (const [base, own] of Object.entries(found.unit.dimensions)) powers[base] = (powers[base] ?? 0) + own * power;
  }
  for (const base of Object.keys(powers)) if (powers[base] === 0) delete powers[base];
  return { factor, dimensions: powers };
}

const raisedTo = (a: Exact, power: number): Exact => {
  const size = BigInt(Math.abs(power));
  return power < 0 ? ratioOf(a.d ** size, a.n ** size)! : { n: a.n ** size, d: a.d ** size };
};

/** degrees Celsius, °Celsius */
const DEGREES_OF = /^(?:degrees? |deg\.? |\^\\circ ?)(celsius|centigrade|fahrenheit|kelvin|[CFK])$/i;
const LONGEST_NAME = Math.max(...[...UNITS.keys()].map((name) => name.length));
const NAME =
  /^(?:\^\\circ ?[CF](?![a-zA-Z])|\^\\circ ?|''|'|[k]?\\(?:mu|Omega) ?[a-zA-Z]{0,2}|[A-Za-z]+(?:-[a-z]+)?\.?|[$€£¥₹₩₽¢%])/;

/** The unit a text begins with: a word of letters as a whole, or the longest Chinese name. */
function unitAt(text: string): { unit: Unit; length: number } | undefined {
  const name = NAME.exec(text)?.[0];
  if (name !== undefined) {
    for (const form of [name, name.trimEnd(), name.replace(/\.$/, ""), name.split("-")[0]!]) {
      const key = form.replace(/\\(mu|Omega) ?(?=[a-zA-Z])/, "\\$1 ").replace(/^\^\\circ ?(?=[CF])/, "^\\circ ");
      const unit =
        UNITS.get(key) ?? UNITS.get(key.trim()) ?? (form.length > 3 ? UNITS.get(form.toLowerCase()) : undefined);
      if (unit !== undefined) return { unit, length: form.length };
    }
    return undefined;
  }
  for (let length = Math.min(4, text.length, LONGEST_NAME); length > 0; length--) {
    const unit = UNITS.get(text.slice(0, length));
    if (unit !== undefined) return { unit, length };
  }
  return undefined;
}

/** Whether two units measure the same thing. */
export function isSameDimension(a: Unit, b: Unit): boolean {
  const [left, right] = [Object.entries(a.dimensions), Object.entries(b.dimensions)];
  return left.length === right.length && left.every(([base, power]) => b.dimensions[base] === power);
}

/** An amount in base units. */
export const inBaseUnits = (value: Exact, unit: Unit): Exact => times(value, unit.factor);

/** Whether a unit is an angle in degrees, with its sixtieths. */
export const isDegrees = (unit: Unit): boolean =>
  unit.dimensions["Degrees"] === 1 && Object.keys(unit.dimensions).length === 1;
