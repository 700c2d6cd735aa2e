# The grading image for those who give Gradescope an image and not the zip ("Manual Docker Configuration"):
#   docker build --tag YOU/hw6-autograder .        what .dockerignore lets through, no more
# The base image holds Gradescope's own harness and defines ENTRYPOINT and CMD: neither may be set here.
ARG BASE=gradescope/autograder-base:ubuntu-22.04
FROM ${BASE}

# Which torch, as for setup.sh, e.g. --build-arg TORCH=torch==2.13.0. Empty: from the CPU wheels' index.
ARG TORCH=""

COPY . /autograder/source/

# It installs everything, makes the student's user, closes the source, places /autograder/run_autograder, and grades the
# reference as a check. In one step with the cleaning, so that no layer keeps what is removed.
RUN TORCH="${TORCH}" bash /autograder/source/setup.sh \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*
