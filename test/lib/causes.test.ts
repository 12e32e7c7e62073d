// What is told of an error: the end of its causes, and the code from there.
import { expect } from 'chai';
import { describeCause, errorCode, failedCall, rootCause } from '../../src/lib/causes.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED ::1:80'), { code: 'ECONNREFUSED' });
const untrusted = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO' });

describe('what an error comes down to', () => {
  it('is the last of its causes', () => {
    const failed = new TypeError('fetch failed', { cause: refused });
    expect(rootCause(failed)).to.equal(refused);
    expect(errorCode(failed)).to.equal('ECONNREFUSED');
    expect(describeCause(failed)).to.equal('connect ECONNREFUSED ::1:80');
  });

  it('is the first of several attempts', () => {
    const failed = new TypeError('fetch failed', { cause: new AggregateError([refused]) });
    expect(describeCause(failed)).to.equal('connect ECONNREFUSED ::1:80');
  });

  it('is told with its code, where the words leave it out', () => {
    expect(describeCause(untrusted)).to.equal('self-signed certificate (DEPTH_ZERO)');
  });

  it('is told of what is no error at all', () => {
    expect(describeCause('rubbish')).to.equal('rubbish');
    expect(describeCause(undefined)).to.equal('undefined');
  });

  it('is found in a circle, too', () => {
    const circle = new Error('one');
    circle.cause = new Error('other', { cause: circle });
    expect(describeCause(circle)).to.match(/^(one|other)$/);
  });

  it('stands behind the host that was called', () => {
    const { message, code } = failedCall('app.example.com', untrusted) as NodeJS.ErrnoException;
    expect(message).to.equal('app.example.com: self-signed certificate (DEPTH_ZERO)');
    expect(code).to.equal('DEPTH_ZERO');
  });
});
