drop table archive.cut_overs;
