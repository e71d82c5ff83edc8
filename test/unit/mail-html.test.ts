import { expect, test } from 'vitest';
import { htmlOf } from '../../lib/accounts/mail/html.ts';

const mail = (text: string) => htmlOf({ subject: 'Your <order>', text });

test('paragraphs stay paragraphs, links are links and codes are codes', () => {
  const html = mail(
    'Follow this link:\n\nhttps://shop.example.com/reset#token=a&b\n\nUse this code:\n\ncfe_1\n\nTwo\nlines\n',
  );
  expect(html).toContain('<p>Follow this link:</p>');
  expect(html).toContain(
    '<a href="https://shop.example.com/reset#token=a&amp;b">https://shop.example.com/reset#token=a&amp;b</a>',
  );
  expect(html).toMatch(/<code [^>]*>cfe_1<\/code>/);
  expect(html).toContain('<p>Two<br>lines</p>');
});

test('nothing of the text becomes markup', () => {
  const html = mail('<script>alert("x")</script> & more\n\njavascript:alert(1)\n\nhttps://x.example/"onclick="y');
  expect(html).not.toMatch(/<script|href="javascript|"onclick="/);
  expect(html).toContain('&lt;script&gt;');
  expect(html).toContain('<title>Your &lt;order&gt;</title>');
});
