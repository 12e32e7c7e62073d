// What is told of an error: the end of its causes, and the code from there.
import { expect } from 'chai';
import { causeInWords, errorCode, failedCall, rootCause } from '../../src/lib/causes.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED ::1:80'), { code: 'ECONNREFUSED' });
const untrusted = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO' });

describe('what an error comes down to', () => {
  it('is the last of its causes', () => {
    const failed = new TypeError('fetch failed', { cause: refused });
    expect(rootCause(failed)).to.equal(refused);
    expect(errorCode(failed)).to.equal('ECONNREFUSED');
    expect(causeInWords(failed)).to.equal('connect ECONNREFUSED ::1:80');
  });

  it('is the first of several attempts', () => {
    const failed = new TypeError('fetch failed', { cause: new AggregateError([refused]) });
    expect(causeInWords(failed)).to.equal('connect ECONNREFUSED ::1:80');
  });

  it('is told with its code, where the words leave it out', () => {
    expect(causeInWords(untrusted)).to.equal('self-signed certificate (DEPTH_ZERO)');
  });

  it('is told of what is no error at all', () => {
    expect(causeInWords('rubbish')).to.equal('rubbish');
    expect(causeInWords(undefined)).to.equal('undefined');
  });

  it('is found in a circle, too', () => {
    const circle = new Error('one');
    circle.cause = new Error('other', { cause: circle });
    expect(causeInWords(circle)).to.match(/^(one|other)$/);
  });

  it('stands behind the host that was called', () => {
    const { message, code } = failedCall('app.example.com', untrusted) as NodeJS.ErrnoException;
    expect(message).to.equal('app.example.com: self-signed certificate (DEPTH_ZERO)');
    expect(code).to.equal('DEPTH_ZERO');
  });
});
