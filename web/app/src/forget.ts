/** What a page tells the service worker when its user has left: forget every answer, also those on their way. */
export const FORGET = "forget";
