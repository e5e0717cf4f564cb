// Stands for the sources of tests while their precompiled header is made.
