/* What says to the next run, and to `understudy lab down --all`, what a run left that was killed: a file of
 * the name of the run in /run/understudy with the process that owns it, when that began (field 22 of
 * /proc/PID/stat), and the state folder. Drivers write more there; see peers/strongswan/driver and
 * peers/lab/place.sh. */
#ifndef DRIVER_RUN_RECORD_H
#define DRIVER_RUN_RECORD_H

/* As well as it goes: only root may, and only its peers leave anything. UNDERSTUDY_RECORDS, the folder `lab`
 * of the records, moves them. */
void run_record_write(const char *run, const char *folder);
void run_record_remove(const char *run);

#endif
