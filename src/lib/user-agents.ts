// What a User-Agent says, in words of ours: nothing of what a stranger wrote gets through.

export interface Agent {
  /** Empty where it is none that we know. */
  readonly browser: string;
  readonly system: string;
}

/** The first that fits: most browsers also call themselves by the names further down. */
const BROWSERS: ReadonlyArray<readonly [sign: RegExp, name: string]> = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const SYSTEMS: ReadonlyArray<readonly [sign: RegExp, name: string]> = [
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const LONGEST = 1_000;

export function describeAgent(userAgent: string): Agent {
  const text = userAgent.slice(0, LONGEST);
  const find = (names: typeof BROWSERS) => names.find(([sign]) => sign.test(text))?.[1] ?? '';
  return { browser: find(BROWSERS), system: find(SYSTEMS) };
}
