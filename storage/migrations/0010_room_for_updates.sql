-- Last signs of devices change every few seconds: leave room in their pages, so that no index has to follow.
ALTER TABLE devices SET (fillfactor = 60);
