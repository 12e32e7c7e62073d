// Times as the person's own clock shows them, and how long it still is until one may try again.
{
  const SECOND = 1000;
  const MINUTE = 60_000;
  const DAY = 86_400_000;
  const { lang } = document.documentElement;

  /** Under the locale C, Chromium says `en-US@posix`, of which Intl wants to know nothing. */
  const isTag = (language) => {
    try {
      return Intl.getCanonicalLocales(language).length === 1;
    } catch {
      return false;
    }
  };

  // In the language of the page, as it is written where the person lives.
  const languages = navigator.languages.filter(isTag);
  const locale = languages.find((each) => each.split('-')[0] === lang) ?? lang;
  const { hourCycle } = new Intl.DateTimeFormat(languages, { hour: 'numeric' }).resolvedOptions();

  const startOfDay = (date) => new Date(date).setHours(0, 0, 0, 0);
  const daysFromToday = (date) => Math.round((startOfDay(date) - startOfDay(new Date())) / DAY);
  const write = (date, parts) => new Intl.DateTimeFormat(locale, parts).format(date);

  const dateParts = (date, weekday) => ({
    ...weekday,
    day: 'numeric',
    month: 'long',
    ...(date.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' }),
  });
  const inDays = (days) =>
    new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day');

  const clockTime = (date, parts) =>
    write(date, {
      ...(daysFromToday(date) === 0 ? {} : parts),
      hour: hourCycle === 'h12' ? 'numeric' : '2-digit',
      minute: '2-digit',
      hourCycle,
      timeZoneName: 'short',
    });

  const formats = {
    date: (date) => write(date, dateParts(date, { weekday: 'long' })),
    day: (date) => {
      const days = daysFromToday(date);
      return days === 0 || days === -1 ? inDays(days) : write(date, dateParts(date));
    },
    moment: (date) => clockTime(date, dateParts(date)),
    // Never earlier than it is.
    deadline: (date) => {
      const over = new Date(Math.ceil(date / MINUTE) * MINUTE);
      return clockTime(over, dateParts(over, { weekday: 'long' }));
    },
  };

  for (const time of document.querySelectorAll('time[datetime]')) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime())) {
      time.textContent = formats[time.dataset.format ?? 'deadline'](date);
    }
  }

  /** `12:40`, `1:02:40` */
  const clock = (seconds) => {
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const [first, ...rest] = parts[0] === 0 ? parts.slice(1) : parts;
    return [first, ...rest.map((part) => String(part).padStart(2, '0'))].join(':');
  };

  for (const said of document.querySelectorAll('[data-countdown]')) count(said);

  // Read out once, with the time; what ticks is for the eye alone.
  function count(said) {
    const time = said.querySelector('time');
    const { seconds, countdown, over } = said.dataset;
    // The server knows how long it is, whatever the clock of the device says.
    const end = seconds ? Date.now() + seconds * SECOND : Date.parse(time.dateTime);
    const left = () => Math.ceil((end - Date.now()) / SECOND);
    // A clock that is far off counts nothing that helps.
    if (!(left() > 0 && left() * SECOND <= DAY)) return;

    const spoken = document.createElement('span');
    spoken.className = 'visually-hidden';
    spoken.append(...said.childNodes);
    const seen = document.createElement('span');
    seen.setAttribute('aria-hidden', 'true');
    seen.className = 'countdown';
    said.replaceChildren(spoken, seen);

    const tick = () => {
      if (left() > 0) {
        seen.textContent = countdown
          .replace('{left}', clock(left()))
          .replace('{time}', time.textContent);
        return;
      }
      clearInterval(timer);
      said.textContent = over;
    };
    const timer = setInterval(tick, SECOND);
    tick();
  }
}
