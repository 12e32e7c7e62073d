// JSON bodies: what is doubtful is refused with the name of the member.
import { expect } from 'chai';
import { z } from 'zod';
import { parseJson, text } from '../../src/http/json.ts';
import { GatehouseError } from '../../src/lib/errors.ts';

const schema = z.strictObject({ email: text, resource: z.array(text).optional() });
const read = (source: string | Buffer) => parseJson(Buffer.from(source as string), schema);

const REFUSED: Readonly<Record<string, readonly [source: string | Buffer, message: string]>> = {
  nothing: ['', 'The body is not valid JSON.'],
  'half an object': ['{"email":', 'The body is not valid JSON.'],
  'an array': ['["email"]', 'The body must be a JSON object.'],
  null: ['null', 'The body must be a JSON object.'],
  'a missing member': ['{}', 'email: is missing'],
  'a number for a text': ['{"email":1}', 'email: must be a string'],
  'null for a text': ['{"email":null}', 'email: must be a string'],
  'an object for a text': ['{"email":{"$ne":""}}', 'email: must be a string'],
  'an empty text': ['{"email":""}', 'email: must not be empty'],
  'a NUL': ['{"email":"a\\u0000b"}', 'email: must be well-formed text'],
  'a lone surrogate': ['{"email":"a\\ud800b"}', 'email: must be well-formed text'],
  'a text that is too long': [`{"email":"${'a'.repeat(8193)}"}`, 'email: must not be longer'],
  'an unknown member': ['{"email":"a","admin":true}', 'admin: is not known here'],
  'a prototype': ['{"email":"a","__proto__":{"x":1}}', '__proto__: is not known here'],
  'a member twice': ['{"email":"a","email":"b"}', 'email: was sent twice'],
  'a member twice, once escaped': ['{"email":"a","\\u0065mail":"b"}', 'email: was sent twice'],
  'a member twice, deep inside': ['{"email":{"a":1,"a":2}}', 'a: was sent twice'],
  'ten thousand arrays': [`{"email":${'['.repeat(10_000)}`, 'The JSON is nested too deeply.'],
  'ten thousand objects': ['{"a":'.repeat(10_000), 'The JSON is nested too deeply.'],
  'broken UTF-8': [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'The body is not valid UTF-8.'],
};

describe('JSON bodies', () => {
  for (const [what, [source, message]] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, () => {
      let error: unknown;
      try {
        read(source);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(GatehouseError);
      expect((error as GatehouseError).code).to.equal('bad_request');
      expect((error as GatehouseError).message).to.include(message);
    });
  }

  it('takes names as values, brackets in texts, and one name in two objects', () => {
    const other = z.strictObject({
      a: z.strictObject({ x: text }),
      b: z.strictObject({ x: text }),
    });
    const source = '{"a":{"x":"x: \\"x\\", [[[[[[[[[["},"b":{"x":"a"}}';
    expect(parseJson(Buffer.from(source), other)).to.deep.equal({
      a: { x: 'x: "x", [[[[[[[[[[' },
      b: { x: 'a' },
    });
    expect(read('{"email":"email","resource":["email","email"]}')).to.deep.equal({
      email: 'email',
      resource: ['email', 'email'],
    });
  });
});
