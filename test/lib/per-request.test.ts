// Values that belong to one request.
import { expect } from 'chai';
import { perRequest } from '../../src/lib/per-request.ts';

describe('a value of a request', () => {
  it('is there for this request, and for no other', () => {
    const value = perRequest<string>('value');
    const [ctx, other] = [{ state: {} }, { state: {} }];
    value.set(ctx, 'first');
    expect([value.get(ctx), value.get(other), value.get(undefined)]).to.deep.equal([
      'first',
      undefined,
      undefined,
    ]);
  });

  it('is not that of another with the same name, nor a name that a request can send', () => {
    const [one, another] = [perRequest<string>('value'), perRequest<string>('value')];
    const ctx = { state: { value: 'sent' } };
    one.set(ctx, 'own');
    expect(another.get(ctx)).to.equal(undefined);
    expect(ctx.state.value).to.equal('sent');
  });
});
