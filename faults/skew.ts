// For `NODE_OPTIONS=--import`: a node whose clock is wrong by FAULTS_SKEW milliseconds.

const skew = Number(process.env.FAULTS_SKEW ?? 0);
const RealDate = Date;

class SkewedDate extends RealDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(RealDate.now() + skew);
    else super(...(args as [number]));
  }
  static override now(): number {
    return RealDate.now() + skew;
  }
}

globalThis.Date = SkewedDate as DateConstructor;
